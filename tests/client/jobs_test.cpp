// Jobs in the client core: submit, input and credit, results and acknowledgement, resume, cancel,
// attach.
#include "core_rig.hpp"

namespace quern::client {
namespace {

class ClientJobs : public ::testing::Test {
 protected:
  ClientJobs() {
    rig.effects<Reopen>();
    rig.welcome();
  }
  void append(const std::vector<std::string>& payloads, InputLedger::Rest rest) {
    rig.step([&] { rig.core->append(CoreRig::kJob, batch_of(payloads), {}, rest, rig.now); });
  }
  void consume(std::uint64_t to) {
    rig.step([&] { rig.core->on_consumed(CoreRig::kJob, to); });
  }
  CoreRig rig;
};

constexpr auto kComes = InputLedger::Rest::comes;
constexpr auto kNone = InputLedger::Rest::none;

TEST_F(ClientJobs, ACompleteJobNeedsFourMessages) {
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

TEST_F(ClientJobs, ARejectedSubmitEndsTheJob) {
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

TEST_F(ClientJobs, InputIsAskedForOnlyWithCredit) {
  rig.submit(rig.items({"first"}, true));
  EXPECT_TRUE(rig.effects<NeedInput>().empty());
  rig.receive(rig.accepted(1, 0));
  EXPECT_TRUE(rig.effects<NeedInput>().empty());
  rig.receive(rig.accepted(1, 100));
  EXPECT_EQ(rig.effects<NeedInput>().size(), 1u);
  rig.receive(rig.accepted(1, 200));
  EXPECT_TRUE(rig.effects<NeedInput>().empty()) << "asked already";
}

TEST_F(ClientJobs, AppendsLeaveAsCreditAllowsAndAreKeptUntilAccepted) {
  rig.accepted_job(rig.items({"0123456789"}, true), 30);  // weighs 14
  rig.effects<NeedInput>();
  append({"0123456789"}, kComes);
  auto append_0 = rig.sent<wire::Append>();
  EXPECT_EQ(append_0.first, 1u);
  EXPECT_FALSE(append_0.close);
  rig.effects<NeedInput>();
  append({"01234", "56789"}, kNone);
  EXPECT_TRUE(rig.all_sent<wire::Append>().empty()) << "28 of 30 are used";
  rig.receive(rig.accepted(2, 42));
  auto append_1 = rig.sent<wire::Append>();
  EXPECT_EQ(append_1.first, 2u);
  EXPECT_TRUE(append_1.close);
  EXPECT_TRUE(rig.effects<InputTaken>().empty());
  rig.receive(rig.accepted(4, 42));
  EXPECT_EQ(rig.effects<InputTaken>().size(), 1u);
}

TEST_F(ClientJobs, AnItemLargerThanAllCreditGoesWhenAnyIsLeft) {
  rig.accepted_job(rig.items({"a"}, true), 6);
  append({std::string(1000, 'x')}, kComes);
  rig.sent<wire::Append>();
  append({"y"}, kComes);
  EXPECT_TRUE(rig.all_sent<wire::Append>().empty());
  rig.receive(rig.accepted(2, 1010));
  EXPECT_EQ(rig.sent<wire::Append>().first, 2u);
}

TEST_F(ClientJobs, AnEndWithoutItemsIsAnEmptyAppendThatNeedsNoCredit) {
  rig.accepted_job(rig.items({"a"}, true), 6);
  rig.effects<NeedInput>();
  append({}, kNone);
  const auto close = rig.sent<wire::Append>();
  EXPECT_EQ(close.first, 1u);
  EXPECT_TRUE(close.close);
  EXPECT_EQ(close.batch.count(), 0u);
}

TEST_F(ClientJobs, ResumingSendsUnacceptedAppendsAgainAfterAttach) {
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
  ASSERT_EQ(again.size(), 2u) << "b had arrived";
  EXPECT_EQ(again[0].first, 2u);
  EXPECT_EQ(again[1].first, 3u);
  EXPECT_TRUE(again[1].close);
}

TEST_F(ClientJobs, ResumingRepeatsACloseThatMayHaveBeenLost) {
  rig.accepted_job(rig.items({"a"}, true));
  rig.effects<NeedInput>();
  append({}, kNone);
  rig.sent<wire::Append>();
  rig.lose_session();
  rig.welcome({{uuid_of(1), true, JobNumber{7}, 1, 1000}});
  EXPECT_TRUE(rig.sent<wire::Append>().close);
}

// ---- results

TEST_F(ClientJobs, ResultsAreAcknowledgedWhenConsumed) {
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

TEST_F(ClientJobs, WhoWaitsForAJobBesideOthersThatNobodyReadsAttachesToItFromWhereItIs) {
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

TEST_F(ClientJobs, EachEntryIsDeliveredOnceOverSessions) {
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

TEST_F(ClientJobs, AMissingEntryMakesTheSessionNew) {
  rig.accepted_job(rig.items({"a", "b"}, false));
  rig.now += 2s;
  rig.receive(rig.results(1, {1, 2}));
  EXPECT_TRUE(rig.effects<Deliver>().empty());
  EXPECT_EQ(rig.effects<Reopen>().size(), 1u);
}

TEST_F(ClientJobs, TheEndBeforeTheLastResultsIsNotTheEnd) {
  rig.accepted_job(rig.items({"a", "b"}, false));
  rig.receive(rig.update(JobState::done, 1));
  EXPECT_EQ(rig.core->live_jobs(), 1u);
  rig.receive(rig.results(0, {0, 2}));
  EXPECT_EQ(rig.core->live_jobs(), 0u);
  EXPECT_TRUE(rig.sent<wire::Ack>().release);
}

TEST_F(ClientJobs, ADetachedJobIsFreedOnlyWhenAllOfItWasRead) {
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

TEST_F(ClientJobs, AnAbandonedJobRunsOnAndItsResultsArePassedOver) {
  rig.accepted_job(rig.items({"a", "b"}, false));
  rig.step([&] { rig.core->abandon(CoreRig::kJob, rig.now); });
  rig.receive(rig.results(0, {0, 1}));
  EXPECT_TRUE(rig.effects<Deliver>().empty());
  EXPECT_EQ(rig.sent<wire::Ack>().cursor, 1u);
  EXPECT_TRUE(rig.all_sent<wire::Cancel>().empty());
}

TEST_F(ClientJobs, AnAbandonedDetachedJobIsLeftAloneOnceItsInputIsIn) {
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

// ---- broker gone and back

TEST_F(ClientJobs, AMemoryJobOfARestartedBrokerIsLost) {
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

TEST_F(ClientJobs, ADurableJobOfARestartedBrokerGoesOn) {
  rig.accepted_job(rig.items({"a"}, false));
  rig.lose_session();
  rig.incarnation = 2;
  rig.welcome({{uuid_of(1), true, JobNumber{7}, 1, 0}});
  EXPECT_TRUE(rig.effects<Ended>().empty());
  EXPECT_TRUE(rig.sent<wire::Attach>().own);
}

TEST_F(ClientJobs, ASubmitWithoutAnswerIsSentAgain) {
  rig.submit(rig.items({"a"}, false));
  rig.sent<wire::Submit>();
  rig.lose_session();
  rig.incarnation = 2;
  EXPECT_TRUE(rig.welcome().jobs.empty());
  EXPECT_EQ(rig.sent<wire::Submit>().job, uuid_of(1));
  EXPECT_TRUE(rig.effects<Ended>().empty());
}

TEST_F(ClientJobs, AnAtMostOnceJobThatARestartedBrokerMayHaveRunIsNotSubmittedAgain) {
  wire::Submit once = rig.items({"a"}, false);
  once.options.at_most_once = true;
  for (const auto durability : {Durability::memory, Durability::automatic}) {
    once.options.durability = durability;
    rig.submit(once);
    rig.sent<wire::Submit>();  // its ACCEPTED does not come
    ++rig.incarnation;
    rig.lose_session();
    EXPECT_EQ(rig.welcome({{uuid_of(1), false, {}, 0, 0}}).jobs.size(), 1u);
    EXPECT_TRUE(rig.all_sent<wire::Submit>().empty());
    const auto ended = rig.effects<Ended>();
    ASSERT_EQ(ended.size(), 1u);
    EXPECT_EQ(ended[0].failure.code, ErrorCode::lost);
  }
}

TEST_F(ClientJobs, AnAtMostOnceJobOfABrokerWithAStoreIsSubmittedAgain) {
  rig.lose_session();
  rig.store = true;
  rig.welcome();
  wire::Submit once = rig.items({"a"}, false);
  once.options.at_most_once = true;
  rig.submit(once);
  rig.sent<wire::Submit>();
  ++rig.incarnation;
  rig.lose_session();
  rig.welcome({{uuid_of(1), false, {}, 0, 0}});  // it never reached the disk, and nothing of it ran
                                                 // before that
  EXPECT_EQ(rig.sent<wire::Submit>().job, uuid_of(1));
}

TEST_F(ClientJobs, AnAtMostOnceJobThatCannotHaveStartedIsSubmittedAgain) {
  wire::Submit once = rig.items({"a"}, false);
  once.options.at_most_once = true;
  once.options.durability = Durability::memory;
  rig.submit(once);
  rig.sent<wire::Submit>();
  rig.lose_session();
  rig.welcome({{uuid_of(1), false, {}, 0, 0}});  // the same broker: it never got it
  rig.sent<wire::Submit>();
  ++rig.incarnation;
  rig.lose_session();
  rig.welcome({{uuid_of(1), true, JobNumber{7}, 1, 0}});  // another, and it has it
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

TEST_F(ClientJobs, ASubmitThatEndsEverySessionEndsItself) {
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

TEST_F(ClientJobs, CancelIsSentOnceAndAgainAfterAResume) {
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

TEST_F(ClientJobs, CancelGoesAlongWhenASubmitWithoutAnAnswerIsSentAgain) {
  rig.submit(rig.items({"a"}, true));
  rig.sent<wire::Submit>();
  rig.step([&] { rig.core->cancel(CoreRig::kJob, {}, rig.now); });
  rig.sent<wire::Cancel>();
  rig.lose_session();
  rig.welcome();
  rig.sent<wire::Submit>();
  rig.sent<wire::Cancel>();
}

TEST_F(ClientJobs, AJobWithoutAUuidEndsTheSessionNotTheClient) {
  rig.step([&] { rig.core->attach(CoreRig::kJob, {{}, JobNumber{7}, 1000, 0}, rig.now); });
  auto update = rig.update(JobState::running, 0);
  update.token = rig.sent<wire::Attach>().token;
  update.status.uuid = {};
  rig.now += 2s;
  rig.receive(update);
  EXPECT_EQ(rig.effects<Reopen>().size(), 1u);
}

TEST_F(ClientJobs, ResultsThatAreGoneEndTheReaderAlsoWhenTheJobIsOver) {
  rig.step([&] { rig.core->attach(CoreRig::kJob, {{}, JobNumber{7}, 0, 0}, rig.now); });
  const auto token = rig.sent<wire::Attach>().token;
  rig.step([&] { rig.core->watch(CoreRig::kJob, 1000, 0, rig.now); });  // somebody reads
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

TEST_F(ClientJobs, CancelBeforeTheSubmitLeftEndsTheJobHere) {
  CoreRig fresh;
  fresh.submit(fresh.items({"a"}, false));
  fresh.step([&] { fresh.core->cancel(CoreRig::kJob, {}, fresh.now); });
  const auto ended = fresh.effects<Ended>();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].failure.code, ErrorCode::cancelled);
  fresh.welcome();
  EXPECT_TRUE(fresh.all_sent<wire::Submit>().empty());
}

TEST_F(ClientJobs, ATaskIsCancelledAfterItWasSent) {
  rig.accepted_job(rig.items({"a"}, true), 5);
  append({"b"}, kComes);
  rig.step([&] { rig.core->cancel(CoreRig::kJob, {1, 2}, rig.now); });
  EXPECT_TRUE(rig.all_sent<wire::Cancel>().empty()) << "no credit yet";
  rig.receive(rig.accepted(1, 100));
  EXPECT_EQ(rig.all_sent<wire::Append>().size(), 1u);
  EXPECT_EQ(rig.sent<wire::Cancel>().tasks, (wire::Intervals{{1, 2}}));
  rig.receive(rig.results(0, {1, 2}));  // too late: it had run
  rig.lose_session();
  rig.welcome({{uuid_of(1), true, JobNumber{7}, 2, 1000}});
  EXPECT_TRUE(rig.all_sent<wire::Cancel>().empty());
}

// ---- attach

TEST_F(ClientJobs, AttachByNumberLearnsTheUuid) {
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

TEST_F(ClientJobs, AttachToAnUnknownJobEnds) {
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

TEST_F(ClientJobs, AUniqueKeyThatExistsMakesUsAGuestOfThatJob) {
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
  EXPECT_TRUE(rig.effects<NeedInput>().empty()) << "our input is not that job's";
  rig.receive(rig.results(0, {0, 1}, 9));
  EXPECT_EQ(rig.effects<Deliver>().size(), 1u);
}

TEST_F(ClientJobs, AJobWithAUniqueKeyIsNotFollowedBeforeItsUuidIsKnown) {
  auto submit = rig.items({"a"}, false);
  submit.options.unique = "nightly";
  rig.submit(submit);
  rig.sent<wire::Submit>();
  rig.step([&] { rig.core->watch(CoreRig::kJob, 100, 200, rig.now); });
  EXPECT_TRUE(rig.all_sent<wire::Attach>().empty()) << "perhaps it is another job's";
  rig.receive(rig.accepted(1, 0));
  EXPECT_EQ(rig.sent<wire::Attach>().watch_ms, 200u);
}

/// Our job has the key of job 9, and the broker wants to compare them.
class ClientCompares : public ClientJobs {
 protected:
  void existing(const std::vector<std::string>& first, bool open) {
    auto submit = rig.items(first, open);
    submit.options.unique = "nightly";
    rig.submit(submit);
    rig.sent<wire::Submit>();
    auto answer = rig.accepted(5, 1000, 9);
    answer.existing = answer.compare = true;
    answer.submitted = uuid_of(1);
    rig.receive(answer);
  }
  void append(const std::vector<std::string>& items, InputLedger::Rest rest) {
    rig.step([&] { rig.core->append(CoreRig::kJob, batch_of(items), {}, rest, rig.now); });
  }
  static std::uint64_t digest_of(const std::vector<std::string>& items) {
    wire::InputDigest digest;
    digest.add(batch_of(items));
    return digest.value();
  }
};

TEST_F(ClientCompares, AStreamIsReadToItsEndAndOnlyItsDigestIsSent) {
  existing({"a"}, true);
  EXPECT_EQ(rig.effects<Comparing>().size(), 1u);
  EXPECT_EQ(rig.effects<NeedInput>().size(), 1u);
  append({"b", "c"}, InputLedger::Rest::comes);
  EXPECT_EQ(rig.effects<NeedInput>().size(), 1u);
  rig.expect_nothing_else();
  append({"d"}, InputLedger::Rest::none);
  const auto attach = rig.sent<wire::Attach>();
  EXPECT_EQ(attach.job, uuid_of(9));
  EXPECT_EQ(attach.input_count, 4u);
  EXPECT_EQ(attach.input_digest, digest_of({"a", "b", "c", "d"}));
  EXPECT_FALSE(attach.own);
  rig.expect_nothing_else();
  auto update = rig.update(JobState::running, 1, 9);
  update.token = attach.token;
  rig.receive(update);
  EXPECT_EQ(rig.effects<Accepted>().at(0).uuid, uuid_of(9));
  EXPECT_EQ(rig.effects<InputTaken>().size(), 1u);
  rig.receive(rig.results(0, {0, 1}, 9));
  EXPECT_EQ(rig.effects<Deliver>().size(), 1u);
}

TEST_F(ClientCompares, AnInputThatWentWithSubmitIsComparedAtOnce) {
  existing({"a", "b"}, false);
  EXPECT_TRUE(rig.effects<Comparing>().empty());
  EXPECT_EQ(rig.sent<wire::Attach>().input_digest, digest_of({"a", "b"}));
}

TEST_F(ClientCompares, AnotherInputEndsTheSubmission) {
  existing({"a"}, false);
  wire::ErrorMessage error;
  error.code = ErrorCode::conflict;
  error.job = uuid_of(9);
  error.token = rig.sent<wire::Attach>().token;
  rig.receive(error);
  const auto ended = rig.effects<Ended>();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].failure.code, ErrorCode::conflict);
  EXPECT_EQ(ended[0].stage, Ended::Stage::submitting);
  rig.expect_nothing_else();
}

TEST_F(ClientCompares, ItGoesOnInTheNextSession) {
  existing({"a"}, true);
  rig.effects<Comparing>();
  rig.effects<NeedInput>();
  rig.lose_session();
  rig.welcome();
  EXPECT_EQ(rig.effects<NeedInput>().size(), 1u);
  append({"b"}, InputLedger::Rest::none);
  rig.sent<wire::Attach>();
  rig.lose_session();
  rig.welcome();
  EXPECT_EQ(rig.sent<wire::Attach>().input_digest, digest_of({"a", "b"}));
}

TEST_F(ClientCompares, WhoGivesUpDoesNotCancelTheJobOfSomebodyElse) {
  existing({"a"}, true);
  rig.step([&] { rig.core->cancel(CoreRig::kJob, {}, rig.now); });
  EXPECT_EQ(rig.effects<Ended>().at(0).failure.code, ErrorCode::cancelled);
  EXPECT_TRUE(rig.all_sent<wire::Cancel>().empty());
  EXPECT_EQ(rig.core->live_jobs(), 0u);
}

TEST_F(ClientCompares, WhoLetsGoOfItIsDone) {
  existing({"a"}, true);
  rig.step([&] { rig.core->abandon(CoreRig::kJob, rig.now); });
  EXPECT_EQ(rig.core->live_jobs(), 0u);
}

}  // namespace
}  // namespace quern::client
