// How often a task may be started: twice at once only if that does no harm, and never twice if the
// job forbids it.
#include "broker/durable_fixture.hpp"

namespace quern::broker {
namespace {

class StartsTest : public BrokerTest {
 protected:
  Peer c, w1, w2;

  void SetUp() override {
    client(c);
    worker(w1, 200);
    worker(w2, 201);
  }

  wire::Submit job(std::uint8_t id, const std::vector<std::string>& items,
                   const std::string& function) {
    wire::Submit submit = items_job(id, items, function);
    submit.options.backoff_ms = 0;
    return submit;
  }

  /// Both workers run tasks of this function in 10 ms each, so that their rates are known.
  void learn(const std::string& function) {
    send(c, job(9, std::vector<std::string>(40, "x"), function));
    for (int i = 0; i < 100; ++i) {
      for (Peer* w : {&w1, &w2}) {
        for (const wire::Lease& lease : leases_of(*w)) {
          now += 10ms;
          send(*w, echo(lease, 10'000 * wire::size(lease.tasks)));
        }
      }
    }
    c.inbox.clear();
  }

  /// The only lease; `holder` is the worker that has it.
  wire::Lease only_lease(Peer*& holder, Peer*& other) {
    auto one = leases_of(w1), two = leases_of(w2);
    EXPECT_EQ(one.size() + two.size(), 1u);
    holder = one.empty() ? &w2 : &w1;
    other = one.empty() ? &w1 : &w2;
    return one.empty() ? two.at(0) : one.at(0);
  }

  std::vector<TaskError> errors() {
    std::vector<TaskError> out;
    for (auto& message : c.inbox)
      if (auto* results = std::get_if<wire::Results>(&message))
        out.insert(out.end(), results->errors.begin(), results->errors.end());
    return out;
  }

  std::optional<JobStatus> ended() {
    std::optional<JobStatus> status;
    for (auto& message : c.inbox)
      if (auto* update = std::get_if<wire::JobUpdate>(&message);
          update && is_final(update->status.state))
        status = update->status;
    return status;
  }
};

TEST_F(StartsTest, a_slow_non_idempotent_task_gets_no_speculative_attempt) {
  learn("careful");
  send(c, job(1, {"slow"}, "careful"));
  Peer *holder, *other;
  const wire::Lease lease = only_lease(holder, other);
  pass(30s, {holder, other, &c});
  EXPECT_TRUE(leases_of(*other).empty());
  send(*holder, echo(lease));
  EXPECT_EQ(ended()->state, JobState::done);
}

TEST_F(StartsTest, an_idempotent_job_gets_speculative_attempts_even_if_its_function_is_not) {
  learn("careful");
  auto submit = job(1, {"slow"}, "careful");
  submit.options.idempotent = true;
  send(c, submit);
  Peer *holder, *other;
  only_lease(holder, other);
  now += 300ms;
  settle();
  EXPECT_EQ(leases_of(*other).size(), 1u);
}

TEST_F(StartsTest, a_failed_speculative_attempt_does_not_fail_a_task_whose_original_runs) {
  learn("echo");
  auto submit = job(1, {"slow"}, "echo");
  submit.options.attempts = 1;
  send(c, submit);
  Peer *holder, *other;
  const wire::Lease original = only_lease(holder, other);
  now += 300ms;
  settle();
  const auto copies = leases_of(*other);
  ASSERT_EQ(copies.size(), 1u);
  send(*other, failure(copies[0], "no such file"));
  expect<wire::Reported>(*other);
  EXPECT_FALSE(ended());
  EXPECT_TRUE(errors().empty());
  EXPECT_TRUE(holder->inbox.empty()) << "the original is not revoked";
  send(*holder, echo(original));
  ASSERT_TRUE(ended());
  EXPECT_EQ(ended()->state, JobState::done);
}

TEST_F(StartsTest, a_worker_stuck_on_its_first_lease_does_not_delay_a_job_forever) {
  send(c, job(1, {"a"}, "echo"));
  Peer *holder, *other;
  const wire::Lease lease = only_lease(holder, other);
  pass(9s, {holder, other, &c});
  EXPECT_TRUE(leases_of(*other).empty()) << "the duration of the task is unknown";
  pass(3s, {holder, other, &c});
  const auto copies = leases_of(*other);
  ASSERT_EQ(copies.size(), 1u);
  EXPECT_EQ(copies[0].tasks, lease.tasks);
  pass(9s, {holder, other, &c});
  send(*other, echo(copies[0]));
  EXPECT_EQ(ended()->state, JobState::done);
}

TEST_F(StartsTest, an_at_most_once_task_is_not_restarted_when_its_worker_is_lost) {
  auto submit = job(1, {"a", "b", "c"}, "careful");
  submit.options.at_most_once = true;
  submit.options.attempts = 7;  // which then counts as 1
  send(c, submit);
  const auto one = leases_of(w1), two = leases_of(w2);
  ASSERT_EQ(one.size(), 1u);
  ASSERT_EQ(two.size(), 1u);
  EXPECT_EQ(wire::size(one[0].tasks), 1u) << "a lost worker must cost only one task";
  EXPECT_EQ(one[0].attempts, 1u);
  pass(20s, {&w2, &c});  // w1 is lost
  ASSERT_EQ(errors().size(), 1u);
  EXPECT_EQ(errors()[0].code, ErrorCode::lost_worker);
  EXPECT_EQ(errors()[0].first, one[0].tasks[0].begin);
  send(w2, echo(two[0]));
  const auto third = leases_of(w2);
  ASSERT_EQ(third.size(), 1u) << "a task that was never started is granted";
  send(w2, failure(third[0], "oh"));
  EXPECT_TRUE(leases_of(w2).empty()) << "a failure is not retried";
  ASSERT_TRUE(ended());
  EXPECT_EQ(ended()->state, JobState::failed);
  EXPECT_EQ(ended()->failed, 2u);
  c.inbox.clear();
  send(c, wire::Retry{4, uuid(1), {}});
  EXPECT_EQ(expect<wire::ErrorMessage>(c).code, ErrorCode::bad_input);
}

TEST_F(StartsTest, at_most_once_tasks_are_not_queued_behind_other_leases) {
  auto submit = job(1, {"a", "b", "c", "d", "e", "f"}, "careful");
  submit.options.at_most_once = true;
  send(c, submit);
  for (int i = 0; i < 3; ++i) {
    for (Peer* w : {&w1, &w2}) {
      const auto leases = leases_of(*w);
      ASSERT_EQ(leases.size(), 1u);
      send(*w, echo(leases[0], 10));
    }
  }
  EXPECT_EQ(ended()->done, 6u);
}

TEST_F(StartsTest, a_permanent_error_is_not_retried) {
  send(c, job(1, {"a"}, "careful"));
  Peer *holder, *other;
  wire::Report report = failure(only_lease(holder, other), "a line has three columns, not two");
  report.errors[0].code = ErrorCode::permanent;
  send(*holder, report);
  ASSERT_TRUE(ended());
  EXPECT_EQ(ended()->retried, 0u);
  EXPECT_EQ(errors().at(0).code, ErrorCode::permanent);
}

TEST_F(DurableTest, at_most_once_holds_across_a_restart_of_the_broker) {
  Peer c, w;
  join(c, 1);
  join(w, "w", 2);
  auto submit = items(9, {"a", "b"});
  submit.options.at_most_once = true;
  tell(c, submit);
  commit();
  const auto lease = take<wire::Lease>(w);
  ASSERT_TRUE(lease);
  ASSERT_EQ(wire::size(lease->tasks), 1u);
  restart();
  Peer other, watching;  // the first worker does not come back
  join(watching, 3);
  join(other, "other", 4);
  commit();
  const auto second = take<wire::Lease>(other);
  ASSERT_TRUE(second) << "a task that was not started is granted";
  EXPECT_NE(second->tasks, lease->tasks);
  tell(other, report_of(*second));
  commit();
  now += 7s;
  turn();
  commit();
  EXPECT_FALSE(take<wire::Lease>(other));
  tell(watching, wire::Attach{5, uuid(9), {}});
  commit();
  const auto results = take<wire::Results>(watching);
  const auto update = take<wire::JobUpdate>(watching);
  ASSERT_TRUE(update);
  EXPECT_EQ(update->status.state, JobState::failed);
  EXPECT_EQ(update->status.done, 1u);
  EXPECT_EQ(update->status.failed, 1u);
}

}  // namespace
}  // namespace quern::broker
