// Cancelling a job, some of its tasks, or the waiting ones.
#include "broker/jobs_fixture.hpp"

namespace quern::broker {
namespace {

TEST_F(JobsTest, cancelling_waiting_tasks_lets_the_running_ones_finish) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a", "b", "c"}));
  const auto lease = expect<wire::Lease>(w);
  cancel_waiting();
  EXPECT_EQ(expect<wire::Reclaim>(w).lease, lease.lease);
  send(w, wire::Reclaimed{lease.lease, {}});
  send(w, echo(lease));
  expect<wire::Reported>(w);
  const auto update = last_update();
  EXPECT_EQ(update.status.state, JobState::cancelled);
  EXPECT_EQ(update.status.done, wire::size(lease.tasks));
  EXPECT_EQ(update.status.cancelled, 3 - wire::size(lease.tasks));
  EXPECT_TRUE(w.inbox.empty()) << "no further lease is granted";
}

TEST_F(JobsTest, cancelling_waiting_tasks_closes_an_open_job) {
  client(c);
  worker(w);
  wire::Submit job = items_job(1, {"a"});
  job.open = true;
  send(c, job);
  const auto lease = expect<wire::Lease>(w);
  cancel_waiting();
  send(c, wire::Append{uuid(1), 1, true, batch_of({"late"}), {}});
  for (const auto& message : c.inbox)
    EXPECT_FALSE(std::holds_alternative<wire::ErrorMessage>(message));
  send(w, wire::Reclaimed{lease.lease, {}});
  send(w, echo(lease));
  const auto update = last_update();
  EXPECT_EQ(update.status.state, JobState::done)
      << "a client that reads a terminal need not send the end of its input";
  EXPECT_EQ(update.status.total, 1u);
}

TEST_F(JobsTest, tasks_returned_while_waiting_ones_are_cancelled_are_not_granted_again) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a", "b"}));
  const auto lease = expect<wire::Lease>(w);
  cancel_waiting();
  expect<wire::Reclaim>(w);
  send(w, wire::Reclaimed{lease.lease, lease.tasks});
  wire::Report nothing;
  nothing.id = {lease.lease, 0};
  nothing.last = true;
  send(w, nothing);
  const auto update = last_update();
  EXPECT_EQ(update.status.state, JobState::cancelled);
  EXPECT_EQ(update.status.cancelled, 2u);
}

TEST_F(JobsTest, cancelling_a_job_fences_its_leases) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a", "b"}));
  const auto lease = expect<wire::Lease>(w);
  send(c, wire::Cancel{5, uuid(1), {}, {}});
  EXPECT_EQ(expect<wire::Revoke>(w).leases, (std::vector<wire::LeaseId>{lease.lease}));
  const auto update = last_update();
  EXPECT_EQ(update.status.state, JobState::cancelled);
  EXPECT_EQ(update.status.cancelled, 2u);
  send(w, echo(lease));
  expect<wire::Reported>(w);
  EXPECT_EQ(core.counters().late, 1u);
}

TEST_F(JobsTest, cancelling_one_task_of_a_lease_keeps_the_other_results) {
  client(c);
  wire::Hello hello = worker_hello(200);
  hello.worker->functions[0].rate = 1e6;
  connect(w, hello);
  expect<wire::Welcome>(w);
  send(c, items_job(1, std::vector<std::string>(30, "x")));
  const auto lease = larger_lease(1);
  const std::uint64_t victim = lease.tasks[0].begin + 1;
  send(c, wire::Cancel{5, uuid(1), {}, {{victim, victim + 1}}});
  send(w, echo(lease));
  serve([](const wire::Lease& l) { return echo(l); });
  std::uint64_t results = 0, errors = 0;
  for (auto& message : c.inbox) {
    if (auto* r = std::get_if<wire::Results>(&message)) {
      results += wire::size(r->tasks);
      for (const auto& e : r->errors) errors += e.count;
      for (const auto& tasks : r->tasks) EXPECT_FALSE(tasks.contains(victim));
    }
  }
  EXPECT_EQ(results, 29u);
  EXPECT_EQ(errors, 1u);
  EXPECT_EQ(last_update().status.state, JobState::cancelled) << "not done: a result is missing";
}

}  // namespace
}  // namespace quern::broker
