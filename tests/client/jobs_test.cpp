// Jobs in the client core: submit, input and credit, results and acknowledgement, resume, cancel,
// attach.
#include "client/client_fixture.hpp"

namespace quern::client {
namespace {

TEST_F(ClientJobs, a_complete_job_needs_four_messages) {
  rig.submit(rig.items({"a", "b"}, false));
  EXPECT_EQ(rig.sent<wire::Submit>().batch.count(), 2u);
  rig.receive(rig.accepted(2, 0));
  EXPECT_EQ(rig.effects<Accepted>().at(0).number, JobNumber{7});
  EXPECT_EQ(rig.effects<InputTaken>().size(), 1u);
  rig.receive(rig.results(0, {0, 2}));
  EXPECT_EQ(rig.effects<Deliver>().size(), 1u);
  rig.receive(rig.update(JobState::done, 1));
  EXPECT_EQ(rig.effects<Status>().size(), 1u);
  const auto ack = rig.sent<wire::Ack>();
  EXPECT_EQ(ack.cursor, 1u);
  EXPECT_TRUE(ack.release);
  EXPECT_EQ(rig.effects<Forget>().size(), 1u);
  EXPECT_EQ(rig.core->live_jobs(), 0u);
  rig.expect_nothing_else();
}

TEST_F(ClientJobs, a_rejected_submit_ends_the_job) {
  rig.submit(rig.items({"a"}, false));
  rig.sent<wire::Submit>();
  wire::ErrorMessage error;
  error.code = ErrorCode::queue_full;
  error.text = "the limit is 1 GiB";
  error.job = uuid_of(1);
  rig.receive(error);
  const auto ended = rig.effects<Ended>();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].stage, Ended::Stage::submitting);
  EXPECT_EQ(ended[0].failure, (Failure{ErrorCode::queue_full, "the limit is 1 GiB"}));
  EXPECT_EQ(rig.core->live_jobs(), 0u);
}

// ---- input

TEST_F(ClientJobs, input_is_requested_only_with_credit) {
  rig.submit(rig.items({"first"}, true));
  EXPECT_TRUE(rig.effects<NeedInput>().empty());
  rig.receive(rig.accepted(1, 0));
  EXPECT_TRUE(rig.effects<NeedInput>().empty());
  rig.receive(rig.accepted(1, 100));
  EXPECT_EQ(rig.effects<NeedInput>().size(), 1u);
  rig.receive(rig.accepted(1, 200));
  EXPECT_TRUE(rig.effects<NeedInput>().empty()) << "it was requested already";
}

TEST_F(ClientJobs, appends_are_sent_as_credit_allows_and_kept_until_accepted) {
  rig.accepted_job(rig.items({"0123456789"}, true), 30);  // weighs 14
  rig.effects<NeedInput>();
  append({"0123456789"}, kComes);
  auto append_0 = rig.sent<wire::Append>();
  EXPECT_EQ(append_0.first, 1u);
  EXPECT_FALSE(append_0.close);
  rig.effects<NeedInput>();
  append({"01234", "56789"}, kNone);
  EXPECT_TRUE(rig.all_sent<wire::Append>().empty()) << "28 of 30 bytes of credit are used";
  rig.receive(rig.accepted(2, 42));
  auto append_1 = rig.sent<wire::Append>();
  EXPECT_EQ(append_1.first, 2u);
  EXPECT_TRUE(append_1.close);
  EXPECT_TRUE(rig.effects<InputTaken>().empty());
  rig.receive(rig.accepted(4, 42));
  EXPECT_EQ(rig.effects<InputTaken>().size(), 1u);
}

TEST_F(ClientJobs, the_input_is_taken_also_if_it_ends_later_than_its_last_item) {
  rig.accepted_job(rig.items({"a"}, true), 100);
  append({"b"}, kComes);
  rig.sent<wire::Append>();
  rig.receive(rig.accepted(2, 100));
  EXPECT_TRUE(rig.effects<InputTaken>().empty()) << "more may come";
  append({}, kNone);
  EXPECT_TRUE(rig.sent<wire::Append>().close);
  EXPECT_TRUE(rig.effects<InputTaken>().empty()) << "the broker has not answered";
  rig.receive(rig.accepted(2, 100));
  EXPECT_EQ(rig.effects<InputTaken>().size(), 1u);
  rig.receive(rig.accepted(2, 200));
  EXPECT_TRUE(rig.effects<InputTaken>().empty()) << "once";
}

TEST_F(ClientJobs, an_item_larger_than_the_credit_is_sent_while_any_credit_is_left) {
  rig.accepted_job(rig.items({"a"}, true), 6);
  append({std::string(1000, 'x')}, kComes);
  rig.sent<wire::Append>();
  append({"y"}, kComes);
  EXPECT_TRUE(rig.all_sent<wire::Append>().empty());
  rig.receive(rig.accepted(2, 1010));
  EXPECT_EQ(rig.sent<wire::Append>().first, 2u);
}

TEST_F(ClientJobs, closing_without_items_is_an_empty_append_that_needs_no_credit) {
  rig.accepted_job(rig.items({"a"}, true), 6);
  rig.effects<NeedInput>();
  append({}, kNone);
  const auto close = rig.sent<wire::Append>();
  EXPECT_EQ(close.first, 1u);
  EXPECT_TRUE(close.close);
  EXPECT_EQ(close.batch.count(), 0u);
}

TEST_F(ClientJobs, resuming_resends_unaccepted_appends_after_attach) {
  rig.accepted_job(rig.items({"a"}, true));
  rig.effects<NeedInput>();
  append({"b"}, kComes);
  append({"c"}, kComes);
  append({"d"}, kNone);
  EXPECT_EQ(rig.all_sent<wire::Append>().size(), 3u);
  rig.receive(rig.results(0, {0, 1}));
  rig.lose_session();
  const wire::Hello hello = rig.welcome({{uuid_of(1), true, JobNumber{7}, 2, 1000}});
  ASSERT_EQ(hello.jobs.size(), 1u);
  EXPECT_EQ(hello.jobs[0].cursor, 1u);
  const auto attach = rig.sent<wire::Attach>();
  EXPECT_TRUE(attach.own);
  EXPECT_EQ(attach.cursor, 1u);
  const auto again = rig.all_sent<wire::Append>();
  ASSERT_EQ(again.size(), 2u) << "b was accepted already";
  EXPECT_EQ(again[0].first, 2u);
  EXPECT_EQ(again[1].first, 3u);
  EXPECT_TRUE(again[1].close);
}

TEST_F(ClientJobs, resuming_repeats_a_close_that_may_have_been_lost) {
  rig.accepted_job(rig.items({"a"}, true));
  rig.effects<NeedInput>();
  append({}, kNone);
  rig.sent<wire::Append>();
  rig.lose_session();
  rig.welcome({{uuid_of(1), true, JobNumber{7}, 1, 1000}});
  EXPECT_TRUE(rig.sent<wire::Append>().close);
}

// ---- results

TEST_F(ClientJobs, results_are_acknowledged_when_consumed) {
  rig.accepted_job(rig.items({"a", "b"}, false));
  rig.receive(rig.results(0, {0, 1}));
  EXPECT_TRUE(rig.all_sent<wire::Ack>().empty());
  consume(1);
  const auto ack = rig.sent<wire::Ack>();
  EXPECT_EQ(ack.cursor, 1u);
  EXPECT_TRUE(ack.release);
  consume(1);
  EXPECT_TRUE(rig.all_sent<wire::Ack>().empty());
  consume(5);
  EXPECT_TRUE(rig.all_sent<wire::Ack>().empty()) << "nothing more was received";
}

TEST_F(ClientJobs, a_wanted_job_is_attached_again_from_its_cursor) {
  rig.accepted_job(rig.items({"a", "b"}, false));
  rig.receive(rig.results(0, {0, 1}));
  consume(1);
  rig.sent<wire::Ack>();
  rig.step([&] { rig.core->want(CoreRig::kJob, rig.now); });
  const auto attach = rig.sent<wire::Attach>();
  EXPECT_EQ(attach.job, uuid_of(1));
  EXPECT_EQ(attach.cursor, 1u);
  EXPECT_GT(attach.window, 0u);
  EXPECT_TRUE(attach.own);
}

TEST_F(ClientJobs, each_entry_is_delivered_once_across_sessions) {
  rig.accepted_job(rig.items({"a", "b"}, false));
  rig.receive(rig.results(0, {0, 1}));
  rig.lose_session();
  rig.welcome({{uuid_of(1), true, JobNumber{7}, 2, 0}});
  EXPECT_EQ(rig.sent<wire::Attach>().cursor, 1u);
  rig.receive(rig.results(0, {0, 1}));
  rig.receive(rig.results(1, {1, 2}));
  const auto delivered = rig.effects<Deliver>();
  ASSERT_EQ(delivered.size(), 2u);
  EXPECT_EQ(delivered[1].results.seq, 1u);
}

TEST_F(ClientJobs, a_missing_entry_starts_a_new_session) {
  rig.accepted_job(rig.items({"a", "b"}, false));
  rig.now += 2s;
  rig.receive(rig.results(1, {1, 2}));
  EXPECT_TRUE(rig.effects<Deliver>().empty());
  EXPECT_EQ(rig.effects<Reopen>().size(), 1u);
}

TEST_F(ClientJobs, a_job_does_not_end_before_its_last_results_arrive) {
  rig.accepted_job(rig.items({"a", "b"}, false));
  rig.receive(rig.update(JobState::done, 1));
  EXPECT_EQ(rig.core->live_jobs(), 1u);
  rig.receive(rig.results(0, {0, 2}));
  EXPECT_EQ(rig.core->live_jobs(), 0u);
  EXPECT_TRUE(rig.sent<wire::Ack>().release);
}

TEST_F(ClientJobs, a_detached_job_is_freed_only_when_all_results_were_read) {
  auto submit = rig.items({"a", "b"}, false);
  submit.options.detach = true;
  rig.accepted_job(submit);
  rig.receive(rig.results(0, {0, 1}));
  consume(1);
  EXPECT_FALSE(rig.sent<wire::Ack>().release);
  rig.receive(rig.results(1, {1, 2}));
  rig.receive(rig.update(JobState::done, 2));
  EXPECT_TRUE(rig.all_sent<wire::Ack>().empty());
  consume(2);
  const auto ack = rig.sent<wire::Ack>();
  EXPECT_EQ(ack.cursor, 2u);
  EXPECT_TRUE(ack.release);
  EXPECT_EQ(rig.core->live_jobs(), 0u);
}

TEST_F(ClientJobs, an_abandoned_job_continues_and_its_results_are_skipped) {
  rig.accepted_job(rig.items({"a", "b"}, false));
  rig.step([&] { rig.core->abandon(CoreRig::kJob, rig.now); });
  rig.receive(rig.results(0, {0, 1}));
  EXPECT_TRUE(rig.effects<Deliver>().empty());
  EXPECT_EQ(rig.sent<wire::Ack>().cursor, 1u);
  EXPECT_TRUE(rig.all_sent<wire::Cancel>().empty());
}

TEST_F(ClientJobs, an_abandoned_detached_job_is_left_alone_once_its_input_is_complete) {
  auto submit = rig.items({"a"}, true);
  submit.options.detach = true;
  rig.accepted_job(submit);
  rig.effects<NeedInput>();
  rig.step([&] { rig.core->abandon(CoreRig::kJob, rig.now); });
  EXPECT_EQ(rig.sent<wire::Attach>().window, 0u);
  EXPECT_EQ(rig.core->live_jobs(), 1u);
  append({"b"}, kNone);
  rig.sent<wire::Append>();
  EXPECT_EQ(rig.core->live_jobs(), 1u);
  rig.receive(rig.accepted(2, 1000));
  EXPECT_EQ(rig.core->live_jobs(), 0u);
  EXPECT_TRUE(rig.all_sent<wire::Ack>().empty());
}

// ---- a broker that goes away and comes back

TEST_F(ClientJobs, a_memory_job_is_lost_when_the_broker_restarts) {
  rig.accepted_job(rig.items({"a"}, false));
  rig.lose_session();
  rig.incarnation = 2;
  rig.welcome({{uuid_of(1), false, {}, 0, 0}});
  const auto ended = rig.effects<Ended>();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(
      ended[0].failure,
      (Failure{ErrorCode::lost,
               "the job is lost: the broker was restarted, and the job was not durable (or the "
               "store lost it; see the broker's log)"}));
}

TEST_F(ClientJobs, a_durable_job_continues_when_the_broker_restarts) {
  rig.accepted_job(rig.items({"a"}, false));
  rig.lose_session();
  rig.incarnation = 2;
  rig.welcome({{uuid_of(1), true, JobNumber{7}, 1, 0}});
  EXPECT_TRUE(rig.effects<Ended>().empty());
  EXPECT_TRUE(rig.sent<wire::Attach>().own);
}

TEST_F(ClientJobs, an_unanswered_submit_is_sent_again) {
  rig.submit(rig.items({"a"}, false));
  rig.sent<wire::Submit>();
  rig.lose_session();
  rig.incarnation = 2;
  EXPECT_TRUE(rig.welcome().jobs.empty());
  EXPECT_EQ(rig.sent<wire::Submit>().job, uuid_of(1));
  EXPECT_TRUE(rig.effects<Ended>().empty());
}

TEST_F(ClientJobs, an_at_most_once_job_that_may_have_run_is_not_submitted_again) {
  wire::Submit once = rig.items({"a"}, false);
  once.options.at_most_once = true;
  for (const auto durability : {Durability::memory, Durability::automatic}) {
    once.options.durability = durability;
    rig.submit(once);
    rig.sent<wire::Submit>();  // its ACCEPTED never arrives
    ++rig.incarnation;
    rig.lose_session();
    EXPECT_EQ(rig.welcome({{uuid_of(1), false, {}, 0, 0}}).jobs.size(), 1u);
    EXPECT_TRUE(rig.all_sent<wire::Submit>().empty());
    const auto ended = rig.effects<Ended>();
    ASSERT_EQ(ended.size(), 1u);
    EXPECT_EQ(ended[0].failure.code, ErrorCode::lost);
  }
}

TEST_F(ClientJobs, an_at_most_once_job_is_submitted_again_to_a_broker_with_a_store) {
  rig.lose_session();
  rig.store = true;
  rig.welcome();
  wire::Submit once = rig.items({"a"}, false);
  once.options.at_most_once = true;
  rig.submit(once);
  rig.sent<wire::Submit>();
  ++rig.incarnation;
  rig.lose_session();
  rig.welcome({{uuid_of(1), false, {}, 0, 0}});  // it never reached the disk,
                                                 // so nothing of it has run
  EXPECT_EQ(rig.sent<wire::Submit>().job, uuid_of(1));
}

TEST_F(ClientJobs, an_at_most_once_job_that_cannot_have_started_is_submitted_again) {
  wire::Submit once = rig.items({"a"}, false);
  once.options.at_most_once = true;
  once.options.durability = Durability::memory;
  rig.submit(once);
  rig.sent<wire::Submit>();
  rig.lose_session();
  rig.welcome({{uuid_of(1), false, {}, 0, 0}});  // the same broker, which never received it
  rig.sent<wire::Submit>();
  ++rig.incarnation;
  rig.lose_session();
  rig.welcome({{uuid_of(1), true, JobNumber{7}, 1, 0}});  // a restarted broker, which knows it
  rig.sent<wire::Submit>();

  once.job = uuid_of(2);
  once.options.durability = Durability::durable;
  rig.submit(once, JobKey{2});
  rig.sent<wire::Submit>();
  ++rig.incarnation;
  rig.lose_session();
  rig.welcome({{uuid_of(1), true, JobNumber{7}, 1, 0}, {uuid_of(2), false, {}, 0, 0}});
  EXPECT_EQ(rig.all_sent<wire::Submit>().size(), 2u);
  EXPECT_TRUE(rig.effects<Ended>().empty());
}

TEST_F(ClientJobs, a_submit_that_ends_every_session_is_given_up) {
  rig.submit(rig.items({"a"}, false));
  for (int i = 0; i < 5 && rig.core->live_jobs() > 0; ++i) {
    rig.all_sent<wire::Submit>();
    wire::ErrorMessage error;
    error.code = ErrorCode::malformed;
    error.text = "no such thing";
    error.fatal = true;
    rig.now += 2s;
    rig.receive(error);
    rig.welcome();
  }
  const auto ended = rig.effects<Ended>();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].failure.text, "no such thing");
}

// ---- cancel

TEST_F(ClientJobs, cancel_is_sent_once_and_again_after_a_resume) {
  rig.accepted_job(rig.items({"a"}, true));
  rig.step([&] { rig.core->cancel(CoreRig::kJob, {}, rig.now); });
  EXPECT_TRUE(rig.sent<wire::Cancel>().tasks.empty());
  rig.receive(rig.accepted(1, 2000));
  EXPECT_TRUE(rig.all_sent<wire::Cancel>().empty());
  rig.lose_session();
  rig.welcome({{uuid_of(1), true, JobNumber{7}, 1, 1000}});
  rig.sent<wire::Cancel>();
  rig.receive(rig.update(JobState::cancelled, 0));
  EXPECT_EQ(rig.effects<Status>().size(), 1u);
  EXPECT_EQ(rig.core->live_jobs(), 0u);
}

TEST_F(ClientJobs, cancel_is_resent_together_with_an_unanswered_submit) {
  rig.submit(rig.items({"a"}, true));
  rig.sent<wire::Submit>();
  rig.step([&] { rig.core->cancel(CoreRig::kJob, {}, rig.now); });
  rig.sent<wire::Cancel>();
  rig.lose_session();
  rig.welcome();
  rig.sent<wire::Submit>();
  rig.sent<wire::Cancel>();
}

TEST_F(ClientJobs, a_job_without_a_uuid_ends_the_session_but_not_the_client) {
  rig.step([&] { rig.core->attach(CoreRig::kJob, {{}, JobNumber{7}, 1000, 0}, rig.now); });
  auto update = rig.update(JobState::running, 0);
  update.token = rig.sent<wire::Attach>().token;
  update.status.uuid = {};
  rig.now += 2s;
  rig.receive(update);
  EXPECT_EQ(rig.effects<Reopen>().size(), 1u);
}

TEST_F(ClientJobs, missing_results_end_the_reader_also_of_a_finished_job) {
  rig.step([&] { rig.core->attach(CoreRig::kJob, {{}, JobNumber{7}, 0, 0}, rig.now); });
  const auto token = rig.sent<wire::Attach>().token;
  rig.step([&] { rig.core->watch(CoreRig::kJob, 1000, 0, rig.now); });  // a reader starts
  EXPECT_EQ(rig.sent<wire::Attach>().token, token);
  auto update = rig.update(JobState::done, 1);
  update.token = token;
  rig.receive(update);
  rig.effects<Status>();
  rig.receive(wire::ErrorMessage{ErrorCode::lost, "they were read", uuid_of(1), token, false});
  const auto ended = rig.effects<Ended>();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].failure.code, ErrorCode::lost);
}

TEST_F(ClientJobs, cancel_before_the_submit_was_sent_ends_the_job_locally) {
  CoreRig fresh;
  fresh.submit(fresh.items({"a"}, false));
  fresh.step([&] { fresh.core->cancel(CoreRig::kJob, {}, fresh.now); });
  const auto ended = fresh.effects<Ended>();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].failure.code, ErrorCode::cancelled);
  fresh.welcome();
  EXPECT_TRUE(fresh.all_sent<wire::Submit>().empty());
}

TEST_F(ClientJobs, the_cancellation_of_a_task_follows_its_append) {
  rig.accepted_job(rig.items({"a"}, true), 5);
  append({"b"}, kComes);
  rig.step([&] { rig.core->cancel(CoreRig::kJob, {1, 2}, rig.now); });
  EXPECT_TRUE(rig.all_sent<wire::Cancel>().empty()) << "no credit yet";
  rig.receive(rig.accepted(1, 100));
  EXPECT_EQ(rig.all_sent<wire::Append>().size(), 1u);
  EXPECT_EQ(rig.sent<wire::Cancel>().tasks, (wire::Intervals{{1, 2}}));
  rig.receive(rig.results(0, {1, 2}));  // too late: the task has run
  rig.lose_session();
  rig.welcome({{uuid_of(1), true, JobNumber{7}, 2, 1000}});
  EXPECT_TRUE(rig.all_sent<wire::Cancel>().empty());
}

// ---- attach

TEST_F(ClientJobs, attaching_by_number_learns_the_uuid) {
  Follow follow;
  follow.number = JobNumber{7};
  rig.step([&] { rig.core->attach(CoreRig::kJob, follow, rig.now); });
  const auto attach = rig.sent<wire::Attach>();
  EXPECT_EQ(attach.number, JobNumber{7});
  EXPECT_FALSE(attach.own);
  auto update = rig.update(JobState::running, 0);
  update.token = attach.token;
  rig.receive(update);
  EXPECT_EQ(rig.effects<Accepted>().at(0).uuid, uuid_of(1));
  rig.step([&] { rig.core->watch(CoreRig::kJob, 100, 0, rig.now); });
  EXPECT_EQ(rig.sent<wire::Attach>().window, 100u);
  rig.receive(rig.results(0, {0, 1}));
  consume(1);
  EXPECT_FALSE(rig.sent<wire::Ack>().release);
  rig.receive(rig.update(JobState::done, 1));
  EXPECT_EQ(rig.core->live_jobs(), 0u);
}

TEST_F(ClientJobs, attaching_to_an_unknown_job_fails) {
  Follow follow;
  follow.number = JobNumber{9};
  rig.step([&] { rig.core->attach(CoreRig::kJob, follow, rig.now); });
  wire::ErrorMessage error;
  error.code = ErrorCode::unknown_job;
  error.text = "there is no job 9";
  error.token = rig.sent<wire::Attach>().token;
  rig.receive(error);
  const auto ended = rig.effects<Ended>();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].failure.code, ErrorCode::unknown_job);
}

TEST_F(ClientJobs, an_existing_idempotency_key_makes_us_a_guest_of_its_job) {
  auto submit = rig.items({"a"}, true);
  submit.options.unique = "nightly";
  rig.submit(submit);
  rig.sent<wire::Submit>();
  auto answer = rig.accepted(5, 1000, 9);
  answer.existing = true;
  answer.submitted = uuid_of(1);
  rig.receive(answer);
  EXPECT_EQ(rig.effects<Accepted>().at(0).uuid, uuid_of(9));
  EXPECT_FALSE(rig.sent<wire::Attach>().own);
  EXPECT_TRUE(rig.effects<NeedInput>().empty()) << "our input does not belong to that job";
  rig.receive(rig.results(0, {0, 1}, 9));
  EXPECT_EQ(rig.effects<Deliver>().size(), 1u);
}

TEST_F(ClientJobs, a_job_with_an_idempotency_key_is_not_followed_before_its_uuid_is_known) {
  auto submit = rig.items({"a"}, false);
  submit.options.unique = "nightly";
  rig.submit(submit);
  rig.sent<wire::Submit>();
  rig.step([&] { rig.core->watch(CoreRig::kJob, 100, 200, rig.now); });
  EXPECT_TRUE(rig.all_sent<wire::Attach>().empty()) << "the key may belong to another job";
  rig.receive(rig.accepted(1, 0));
  EXPECT_EQ(rig.sent<wire::Attach>().watch_ms, 200u);
}

}  // namespace
}  // namespace quern::client
