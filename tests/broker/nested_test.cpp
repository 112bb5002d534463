// Jobs that tasks submit: who may submit what, on whose behalf, how a task that waits gives its
// slot back, and how children end with what submitted them.
#include "broker/durable_fixture.hpp"
#include "broker/nested_fixture.hpp"

namespace quern::broker {
namespace {

TEST_F(NestedTest, a_task_that_waits_gives_its_only_slot_to_the_job_that_it_waits_for) {
  EXPECT_TRUE(parent.nested);
  send(w, child_of(parent, 2));
  EXPECT_EQ(expect<wire::Accepted>(w).job, uuid(2));
  expect_nothing(w);
  send(w, wire::Wait{parent.lease, uuid(2)});
  const auto child = expect<wire::Lease>(w);
  EXPECT_EQ(child.job, uuid(2));
  EXPECT_FALSE(child.nested);
  send(w, echo(child));
  expect<wire::Reported>(w);
  const auto results = expect<wire::Results>(w);
  EXPECT_EQ(wire::BatchReader(results.batch).next(), "b");
  EXPECT_EQ(expect<wire::JobUpdate>(w).status.state, JobState::done);
  send(w, wire::Ack{uuid(2), 1, true});
  send(w, wire::Wait{parent.lease, {}});
  send(w, echo(parent));
  EXPECT_EQ(status(1).state, JobState::done);
}

TEST_F(NestedTest, a_waiting_task_takes_one_slot_more_once) {
  send(w, child_of(parent, 2));
  send(w, wire::Wait{parent.lease, uuid(2)});
  send(w, wire::Wait{parent.lease, uuid(2)});
  for (std::uint8_t id = 3; id < 6; ++id) send(c, items_job(id, {"x"}, "careful"));
  EXPECT_EQ(leases_of(w).size(), 1u);
}

TEST_F(NestedTest, the_child_belongs_to_the_owner_and_both_show_each_other) {
  send(w, child_of(parent, 2));
  send(w, wire::Wait{parent.lease, uuid(2)});
  JobStatus child = status(2);
  EXPECT_EQ(child.owner, "anonymous");
  EXPECT_EQ(child.parent, status(1).number);
  EXPECT_EQ(child.parent_task, 0u);
  EXPECT_EQ(status(1).children, std::vector<std::uint64_t>{value(child.number)});
  EXPECT_EQ(status(1).waiting_tasks, 1u);
  EXPECT_TRUE(status(1).nested);
  EXPECT_NE(explanation(1).find("Task 0 waits for job 2"), std::string::npos) << explanation(1);
  EXPECT_NE(explanation(2).find("Task 0 of job 1 submitted it"), std::string::npos);
}

TEST_F(NestedTest, what_a_task_may_not_submit) {
  struct Case {
    const char* what;
    std::function<void(wire::Submit&)> change;
    ErrorCode code;
  };
  const Case cases[] = {
      {"another task", [](auto& s) { s.task = 1; }, ErrorCode::cancelled},
      {"an unknown lease", [](auto& s) { s.lease.counter = 999; }, ErrorCode::cancelled},
      {"a higher priority", [](auto& s) { s.options.priority = 1; }, ErrorCode::denied},
      {"a file", [](auto& s) { s.function = "quern.blob"; }, ErrorCode::bad_input},
      {"a known job", [](auto& s) { s.job = uuid(1); }, ErrorCode::denied},
  };
  std::uint8_t id = 10;
  for (const Case& each : cases) {
    wire::Submit submit = child_of(parent, id++);
    each.change(submit);
    const auto error = refusal(w, submit);
    EXPECT_EQ(error.code, each.code) << each.what << ": " << error.text;
    EXPECT_FALSE(error.fatal) << each.what;
  }
  send(w, child_of(parent, 2));
  EXPECT_EQ(expect<wire::Accepted>(w).job, uuid(2)) << "the session goes on";
}

TEST_F(NestedTest, a_job_without_the_option_is_named_with_the_option) {
  send(w, echo(parent));
  w.inbox.clear();
  send(c, items_job(3, {"x"}));
  const auto plain = expect<wire::Lease>(w);
  EXPECT_FALSE(plain.nested);
  const auto error = refusal(w, child_of(plain, 2));
  EXPECT_EQ(error.code, ErrorCode::denied);
  EXPECT_NE(error.text.find("--nested"), std::string::npos) << error.text;
}

TEST_F(NestedTest, the_lease_of_another_worker_is_no_permission) {
  Peer thief;
  worker(thief, 201);
  for (int i = 0; i < 5; ++i) {
    const auto error = refusal(thief, child_of(parent, 2));
    EXPECT_EQ(error.code, ErrorCode::denied);
  }
  send(thief, wire::Wait{parent.lease, uuid(1)});
  EXPECT_GE(core.counters().offences, 6u);
  send(w, child_of(parent, 2));
  EXPECT_EQ(expect<wire::Accepted>(w).job, uuid(2)) << "the honest worker is not affected";
}

TEST_F(NestedTest, a_worker_that_keeps_forging_leases_is_blocked) {
  Peer thief;
  worker(thief, 201);
  for (int i = 0; i < 200 && core.counters().ignored == 0; ++i) send(thief, child_of(parent, 2));
  EXPECT_GT(core.counters().ignored, 0u);
}

TEST_F(NestedTest, a_client_cannot_submit_for_a_task_and_a_worker_only_for_one) {
  send(c, child_of(parent, 2));
  EXPECT_EQ(expect<wire::ErrorMessage>(c).code, ErrorCode::role);
  send(w, items_job(2, {"x"}));
  EXPECT_EQ(expect<wire::ErrorMessage>(w).code, ErrorCode::role);
}

TEST_F(NestedTest, a_wait_for_a_job_of_somebody_else_gives_no_slot) {
  send(c, items_job(3, {"x"}, "absent"));
  send(w, wire::Wait{parent.lease, uuid(3)});
  send(w, wire::Wait{{7, 999}, uuid(3)});
  send(c, items_job(4, {"y"}, "careful"));
  EXPECT_TRUE(leases_of(w).empty());
}

TEST_F(NestedTest, children_are_cancelled_when_the_parent_ends) {
  send(w, child_of(parent, 2, "absent"));
  send(w, child_of(parent, 3, "absent"));
  send(w, echo(parent));  // done, without having waited
  EXPECT_EQ(status(1).state, JobState::done);
  EXPECT_EQ(status(2).state, JobState::cancelled);
  EXPECT_EQ(status(3).state, JobState::cancelled);
  EXPECT_NE(status(2).reason.find("job 1"), std::string::npos) << status(2).reason;
}

TEST_F(NestedTest, a_child_goes_on_after_its_task_until_the_parent_ends) {
  send(w, echo(parent));
  w.inbox.clear();
  send(c, nested_job(5, {"a", "b"}));
  const auto leases = leases_of(w);
  ASSERT_EQ(leases.size(), 2u) << "tasks of such a job are leased one by one";
  const auto& first = leases[0];
  const auto& second = leases[1];
  send(w, child_of(first, 2, "absent"));
  send(w, echo(first));
  EXPECT_EQ(status(2).state, JobState::waiting);
  send(w, failure(second, "no"));
  EXPECT_EQ(status(2).state, JobState::waiting) << "another task has failed";
  send(c, wire::Cancel{4, uuid(5), {}});
  EXPECT_EQ(status(2).state, JobState::cancelled);
}

TEST_F(NestedTest, cancelling_reaches_grandchildren) {
  wire::Submit middle = child_of(parent, 2, "careful");
  middle.options.nested = true;
  send(w, middle);
  send(w, wire::Wait{parent.lease, uuid(2)});
  const auto lease = leases_of(w).at(0);
  send(w, child_of(lease, 3, "absent"));
  EXPECT_EQ(status(3).state, JobState::waiting);
  send(c, wire::Cancel{4, uuid(1), {}});
  EXPECT_EQ(status(2).state, JobState::cancelled);
  EXPECT_EQ(status(3).state, JobState::cancelled);
}

TEST_F(NestedTest, a_failed_attempt_takes_its_children_with_it_and_the_next_starts_anew) {
  send(w, child_of(parent, 2, "absent"));
  send(w, failure(parent, "no"));
  EXPECT_EQ(status(2).state, JobState::cancelled);
  w.inbox.clear();
  pass(1s, {&c, &w});
  const auto again = leases_of(w).at(0);
  EXPECT_EQ(again.job, uuid(1));
  send(w, child_of(again, 3, "absent"));
  EXPECT_EQ(status(3).state, JobState::waiting);
  w.inbox.clear();
  EXPECT_EQ(refusal(w, child_of(parent, 4)).code, ErrorCode::cancelled);
}

TEST_F(NestedTest, a_child_of_a_job_that_has_ended_cannot_be_revived) {
  wire::Submit child = child_of(parent, 2);
  child.options.attempts = 1;
  send(w, child);
  send(w, wire::Wait{parent.lease, uuid(2)});
  send(w, failure(leases_of(w).at(0), "no"));
  send(w, wire::Wait{parent.lease, {}});
  send(w, echo(parent));
  EXPECT_EQ(status(2).state, JobState::failed);
  send(c, wire::Retry{5, uuid(2)});
  EXPECT_EQ(status(2).state, JobState::cancelled);
}

TEST_F(NestedTest, a_lost_worker_takes_the_children_of_its_tasks_with_it) {
  send(w, child_of(parent, 2, "absent"));
  send(w, wire::Wait{parent.lease, uuid(2)});
  pass(4s, {&c});
  EXPECT_EQ(status(1).pending, 1u);
  EXPECT_EQ(status(1).waiting_tasks, 0u);
  EXPECT_EQ(status(2).state, JobState::cancelled);
}

TEST_F(NestedTest, a_worker_with_a_new_session_goes_on) {
  send(w, child_of(parent, 2));
  send(w, wire::Wait{parent.lease, uuid(2)});
  const auto child = leases_of(w).at(0);
  wire::Hello hello = worker_hello(200);
  hello.worker->held = {{parent.lease, parent.job, parent.tasks},
                        {child.lease, child.job, child.tasks}};
  connect(w, hello);
  EXPECT_TRUE(expect<wire::Welcome>(w).dropped.empty());
  send(w, child_of(parent, 2));
  EXPECT_EQ(expect<wire::Accepted>(w).job, uuid(2));
  send(w, wire::Wait{parent.lease, uuid(2)});
  send(w, echo(child));
  expect<wire::Reported>(w);
  expect<wire::Results>(w);
  EXPECT_EQ(expect<wire::JobUpdate>(w).status.state, JobState::done);
}

TEST_F(NestedTest, the_result_of_a_reduced_child_reaches_a_worker_of_another_principal) {
  wire::Submit submit = range_job(2, 0, 10);
  submit.lease = parent.lease;
  send(w, submit);
  send(w, wire::Wait{parent.lease, uuid(2)});
  while (!w.inbox.empty()) {
    wire::Message message = std::move(w.inbox.front());
    w.inbox.pop_front();
    if (auto* lease = std::get_if<wire::Lease>(&message)) send(w, sum(*lease));
    if (auto* update = std::get_if<wire::JobUpdate>(&message)) {
      EXPECT_EQ(update->value.view(), "\x2d") << "45";
      return;
    }
  }
  FAIL() << "no final JOB";
}

TEST_F(NestedTest, nesting_has_a_limit) {
  wire::Lease lease = parent;
  for (std::uint8_t depth = 1; depth <= wire::kNestingDepthMax; ++depth) {
    wire::Submit submit = child_of(lease, static_cast<std::uint8_t>(depth + 1), "careful");
    submit.options.nested = true;
    send(w, submit);
    EXPECT_EQ(expect<wire::Accepted>(w).job, submit.job);
    send(w, wire::Wait{lease.lease, submit.job});
    lease = expect<wire::Lease>(w);
    EXPECT_EQ(lease.job, submit.job);
  }
  EXPECT_EQ(refusal(w, child_of(lease, 90)).code, ErrorCode::limit);
}

TEST_F(NestedTest, deeper_jobs_of_a_principal_go_first) {
  for (std::uint8_t id = 20; id < 25; ++id) send(c, items_job(id, {"x"}, "careful"));
  send(w, child_of(parent, 2));
  send(w, wire::Wait{parent.lease, uuid(2)});
  w.inbox.pop_front();  // ACCEPTED
  EXPECT_EQ(expect<wire::Lease>(w).job, uuid(2));
}

TEST_F(NestedTest, a_waiting_lease_is_not_copied_and_its_resources_are_free) {
  send(w, echo(parent));
  Peer gpu, idle;
  wire::Hello hello = worker_hello(210);
  hello.worker->resources = {{"gpu", 1}};
  connect(gpu, hello);
  worker(idle, 211);
  gpu.inbox.clear();
  wire::Submit submit = nested_job(5);
  submit.options.idempotent = true;
  submit.options.resources = {{"gpu", 1}};
  send(c, submit);
  const auto lease = leases_of(gpu).at(0);
  wire::Submit child = child_of(lease, 6);
  child.options.resources = {{"gpu", 1}};
  send(gpu, child);
  send(gpu, wire::Wait{lease.lease, uuid(6)});
  const auto inner = leases_of(gpu).at(0);
  EXPECT_EQ(inner.job, uuid(6));
  pass(30s, {&c, &w, &gpu, &idle});
  EXPECT_TRUE(leases_of(idle).empty());
  EXPECT_EQ(status(5).copies, 0u);
}

TEST_F(NestedTest, time_spent_waiting_is_no_time_of_the_lease) {
  send(w, child_of(parent, 2));
  send(w, wire::Wait{parent.lease, uuid(2)});
  const auto child = leases_of(w).at(0);
  now += 2500ms;
  send(w, echo(child));
  send(w, wire::Wait{parent.lease, {}});
  w.inbox.clear();
  send(w, echo(parent, 1000));
  c.inbox.clear();
  send(c, wire::Query{9, wire::QueryWhat::timeline, uuid(1)});
  const auto spans = expect<wire::Answer>(c).jobs.at(0).spans;
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_LT(spans[0].end_us - spans[0].begin_us, 1'000'000u);
}

TEST_F(NestedTest, a_job_of_which_very_many_leases_wait_gets_no_further_ones) {
  send(w, echo(parent, 10'000'000));  // slow, so that few leases are granted ahead
  w.inbox.clear();
  send(c, nested_job(5, std::vector<std::string>(wire::kWaitingLeasesMax + 20, "x")));
  std::size_t waiting = 0;
  std::vector<wire::Lease> leases = leases_of(w);
  for (; waiting < leases.size(); ++waiting) {
    wire::Submit submit = child_of(leases[waiting], 0, "absent");
    submit.job.bytes[0] = 77;
    submit.job.bytes[1] = static_cast<std::uint8_t>(waiting);
    submit.job.bytes[2] = static_cast<std::uint8_t>(waiting >> 8);
    send(w, submit);
    send(w, wire::Wait{leases[waiting].lease, submit.job});
    const std::vector<wire::Lease> more = leases_of(w);
    if (waiting + 1 >= wire::kWaitingLeasesMax) {
      EXPECT_TRUE(more.empty()) << "so many wait";
    }
    leases.insert(leases.end(), more.begin(), more.end());
  }
  // Those that were granted ahead still run.
  EXPECT_GE(waiting, wire::kWaitingLeasesMax);
  EXPECT_LT(waiting, wire::kWaitingLeasesMax + 10);
  const std::size_t beyond = waiting - wire::kWaitingLeasesMax;
  for (std::size_t i = 0; i <= beyond; ++i) send(w, failure(leases.at(i), "no"));
  settle();
  EXPECT_FALSE(leases_of(w).empty()) << "fewer wait";
}

class NestedDurableTest : public DurableTest {
 protected:
  wire::Submit child_of(const wire::Lease& lease) {
    wire::Submit submit = items(2, {"b"});
    submit.lease = lease.lease;
    return submit;
  }
  /// A parent whose task has submitted a job, in the store.
  wire::Lease begin() {
    join(c, 100);
    join(w, "w", 200);
    wire::Submit submit = items(1, {"a"});
    submit.options.nested = true;
    tell(c, submit);
    commit();
    const auto lease = take<wire::Lease>(w).value();
    tell(w, child_of(lease));
    EXPECT_FALSE(take<wire::Accepted>(w)) << "not before it is durable";
    commit();
    EXPECT_TRUE(take<wire::Accepted>(w));
    tell(w, wire::Wait{lease.lease, uuid(2)});
    commit();
    return lease;
  }
  JobState state(std::uint8_t id) {
    Peer asks;
    join(asks, 101);
    tell(asks, wire::Query{9, wire::QueryWhat::job, uuid(id)});
    commit();
    return take<wire::Answer>(asks).value().jobs.at(0).state;
  }
  Peer c, w;
};

TEST_F(NestedDurableTest, a_child_goes_on_after_a_restart_if_its_worker_comes_back) {
  const auto lease = begin();
  const auto child = take<wire::Lease>(w).value();
  restart();
  EXPECT_FALSE(is_final(state(2)));
  join(w, "w", 200, {{lease.lease, lease.job, lease.tasks}, {child.lease, child.job, child.tasks}});
  commit();
  EXPECT_TRUE(take<wire::Welcome>(w).value().dropped.empty());
  tell(w, child_of(lease));
  tell(w, wire::Wait{lease.lease, uuid(2)});
  commit();
  EXPECT_TRUE(take<wire::Accepted>(w));
  tell(w, report_of(child));
  commit();
  EXPECT_TRUE(take<wire::Results>(w));
  EXPECT_EQ(take<wire::JobUpdate>(w).value().status.state, JobState::done);
  tell(w, report_of(lease));
  commit();
  EXPECT_EQ(state(1), JobState::done);
}

TEST_F(NestedDurableTest, a_child_ends_if_the_worker_does_not_come_back_after_a_restart) {
  begin();
  restart();
  EXPECT_FALSE(is_final(state(2)));
  now += 10s;
  turn();
  commit();
  EXPECT_EQ(state(2), JobState::cancelled);
  EXPECT_FALSE(is_final(state(1)));
}

}  // namespace
}  // namespace quern::broker
