// What the broker counts for monitoring.
#include "broker/core/base/metrics.hpp"

#include "broker/jobs_fixture.hpp"

namespace quern::broker {
namespace {

TEST(Metrics, functions_beyond_the_first_hundred_share_the_counters_of_other) {
  Metrics metrics;
  for (int i = 0; i < 150; ++i) metrics.of("f" + std::to_string(i)).leases += 1;
  metrics.of("f0").leases += 1;
  const auto functions = metrics.functions();
  ASSERT_EQ(functions.size(), 101u);
  EXPECT_EQ(functions.front().function, "f0");
  EXPECT_EQ(functions.front().leases, 2u);
  EXPECT_EQ(functions.back().function, "other");
  EXPECT_EQ(functions.back().leases, 50u);
}

TEST(Metrics, a_duration_is_counted_in_the_bucket_that_reaches_it) {
  Metrics metrics;
  EXPECT_TRUE(metrics.lease_seconds().counts.empty());
  for (const auto time : {0ms, 1ms, 2ms, 300ms, 4'000'000ms}) metrics.lease_ended(time);
  const Histogram& histogram = metrics.lease_seconds();
  ASSERT_EQ(histogram.counts.size(), kHistogramBounds.size() + 1);
  EXPECT_EQ(histogram.counts[0], 2u);
  EXPECT_EQ(histogram.counts[1], 1u);
  EXPECT_EQ(histogram.counts[5], 1u);
  EXPECT_EQ(histogram.counts.back(), 1u);
  EXPECT_DOUBLE_EQ(histogram.sum_s, 4000.303);
}

class MetricsTest : public JobsTest {
 protected:
  BrokerStatus status() {
    c.inbox.clear();
    send(c, wire::Query{.token = 9, .what = wire::QueryWhat::broker});
    for (const auto& message : c.inbox)
      if (const auto* answer = std::get_if<wire::Answer>(&message)) return answer->broker.value();
    ADD_FAILURE() << "QUERY broker was not answered";
    return {};
  }
  FunctionCounters echoes() {
    for (const auto& of : status().functions)
      if (of.function == "echo") return of;
    return {};
  }
};

TEST_F(MetricsTest, tasks_are_counted_as_they_end) {
  client(c);
  worker(w);
  wire::Submit job = items_job(1, {"a"});
  job.options.attempts = 2;
  send(c, job);
  send(w, failure(expect<wire::Lease>(w), "no such thing"));
  now += 1s;
  settle();
  expect<wire::Reported>(w);
  EXPECT_EQ(echoes().retries, 1u);
  send(w, failure(expect<wire::Lease>(w), "no such thing"));
  EXPECT_EQ(echoes().tasks_failed, 1u);
  w.inbox.clear();
  send(c, items_job(2, {"b"}));
  serve([](const wire::Lease& lease) { return echo(lease); });
  EXPECT_EQ(echoes().tasks_done, 1u);
  send(c, items_job(3, {"x", "y"}, "absent"));
  send(c, wire::Cancel{5, uuid(3), {}, {{0, 1}}});
  send(c, wire::Cancel{6, uuid(3)});
  const BrokerStatus after = status();
  ASSERT_EQ(after.functions.size(), 2u);
  EXPECT_EQ(after.functions[0].function, "absent");
  EXPECT_EQ(after.functions[0].tasks_cancelled, 2u);
  EXPECT_EQ(after.functions[1].leases, 3u);
  EXPECT_EQ(after.jobs_done, 1u);
  EXPECT_EQ(after.jobs_failed, 1u);
  EXPECT_EQ(after.jobs_cancelled, 1u);
  std::uint64_t leases = 0, waits = 0;
  for (const auto count : after.lease_seconds.counts) leases += count;
  for (const auto count : after.wait_seconds.counts) waits += count;
  EXPECT_EQ(leases, 3u);
  EXPECT_EQ(waits, 2u) << "one for each job that got a lease";
}

TEST_F(MetricsTest, jobs_tasks_and_workers_are_counted_by_state) {
  client(c);
  send(c, items_job(1, {"a", "b", "c"}));
  send(c, items_job(2, {"x"}));
  send(c, wire::Pause{5, uuid(2)});
  EXPECT_EQ(status().jobs_waiting, 1u);
  EXPECT_EQ(status().jobs_paused, 1u);
  EXPECT_EQ(status().tasks_pending, 4u);
  worker(w);
  const BrokerStatus running = status();
  EXPECT_EQ(running.jobs_waiting, 0u);
  EXPECT_EQ(running.jobs_running, 1u);
  EXPECT_EQ(running.workers_busy, 1u);
  EXPECT_GT(running.tasks_leased, 0u);
  EXPECT_EQ(running.tasks_leased + running.tasks_pending, 4u);
  pass(20s, {&c});
  const BrokerStatus lost = status();
  EXPECT_EQ(lost.workers_busy, 0u);
  EXPECT_EQ(lost.workers_lost, 1u);
  EXPECT_EQ(lost.tasks_leased, 0u);
  EXPECT_EQ(lost.functions.at(0).leases_lost, 1u);
}

TEST_F(MetricsTest, other_answers_carry_no_counters) {
  client(c);
  send(c, wire::Query{.token = 9});
  const auto answer = std::get<wire::Answer>(c.inbox.back());
  EXPECT_TRUE(answer.broker->functions.empty());
  EXPECT_TRUE(answer.broker->wait_seconds.counts.empty());
}

}  // namespace
}  // namespace quern::broker
