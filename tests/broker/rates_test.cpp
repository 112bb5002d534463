// What the broker learns about the speed of workers, and what jobs require of workers.
#include "broker/core/workers/rates.hpp"

#include <gtest/gtest.h>

#include "broker/core/scheduling/need.hpp"
#include "broker/core/scheduling/payload_cost.hpp"
#include "broker/core/scheduling/pool.hpp"

namespace quern::broker {
namespace {

TEST(Rates, a_rate_follows_a_tenfold_slowdown_within_three_leases) {
  Rate rate;
  for (int i = 0; i < 50; ++i) rate.learn(10, 0.1, 10, 1);
  EXPECT_NEAR(rate.per_second(), 100, 1);
  EXPECT_LT(rate.uncertainty(), 0.05);
  for (int i = 0; i < 3; ++i) rate.learn(10, 1.0, 10, 1);
  EXPECT_NEAR(rate.per_second(), 10, 1);
  for (int i = 0; i < 3; ++i) rate.learn(10, 0.1, 10, 1);
  EXPECT_NEAR(rate.per_second(), 100, 10) << "a recovery is followed as well";
}

TEST(Rates, varying_tasks_are_not_mistaken_for_a_changing_machine) {
  Rate rate;
  for (int i = 0; i < 200; ++i)
    rate.learn(1, i % 10 == 0 ? 1.0 : 0.01, 1, 1);  // the mean is 0.109 s
  EXPECT_GT(rate.variation(), 1);
  rate.learn(1, 1.0, 1, 1);
  rate.learn(1, 1.0, 1, 1);
  EXPECT_GT(rate.per_second(), 2) << "two long tasks in a row are no change of the machine";
}

TEST(Rates, uncertainty_falls_as_measurements_accumulate) {
  Rate rate;
  EXPECT_EQ(rate.uncertainty(), 1);
  rate.learn(1, 0.1, 1, 1);
  const double first = rate.uncertainty();
  for (int i = 0; i < 100; ++i) rate.learn(1, i % 2 ? 0.09 : 0.11, 1, 1);
  EXPECT_LT(rate.uncertainty(), first / 5);
}

TEST(Rates, a_rate_falls_at_once_when_a_heartbeat_reports_a_busy_machine) {
  Worker worker;
  worker.declared.offer.capacity.cores = 1;
  worker.declared.offer.capacity.idle = 1;
  FunctionRecord record;
  for (int i = 0; i < 20; ++i) record.rate.learn(10, 0.1, 10, worker.available());
  EXPECT_NEAR(worker.rate_of(record, "f"), 100, 1);
  worker.declared.offer.capacity.idle = 0.5;
  EXPECT_NEAR(worker.rate_of(record, "f"), 50, 1);
  worker.declared.offer.capacity.idle = 0.9;
  EXPECT_NEAR(worker.rate_of(record, "f"), 100, 1)
      << "changes within the noise of a heartbeat are left to the results";
}

TEST(PayloadCosts, costs_are_learnt_where_size_explains_time) {
  PayloadCost cost;
  for (int i = 0; i < 100; ++i) {
    const double bytes = 1000.0 * (1 + i % 10);
    cost.learn(1, bytes, 0.001 + bytes * 1e-6);
  }
  ASSERT_TRUE(cost.explains());
  // The mean task has 5,500 bytes and takes 6.5 ms.
  EXPECT_NEAR(cost.of(5500), 1, 0.01);
  EXPECT_NEAR(cost.of(0), 1 / 6.5, 0.01);
  EXPECT_NEAR(cost.of(100'000), 101 / 6.5, 0.1);
}

TEST(PayloadCosts, no_costs_are_learnt_where_size_does_not_explain_time) {
  PayloadCost same, unrelated;
  for (int i = 0; i < 200; ++i) {
    same.learn(10, 160, 0.01 * (1 + i % 3));
    unrelated.learn(1, 1000 + 100 * (i % 7), 0.01 * (1 + (i * 5) % 11));
  }
  EXPECT_FALSE(same.explains()) << "all payloads have the same size";
  EXPECT_FALSE(unrelated.explains());
}

struct AmountCase {
  const char* text;
  double amount;
};

class AmountsTest : public ::testing::TestWithParam<AmountCase> {};

TEST_P(AmountsTest, amounts_with_units_are_parsed) {
  EXPECT_EQ(amount_in(GetParam().text), GetParam().amount) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(all, AmountsTest,
                         ::testing::Values(AmountCase{"2", 2}, AmountCase{"0.5", 0.5},
                                           AmountCase{"8GiB", 8.0 * (1 << 30)},
                                           AmountCase{"8Gi", 8.0 * (1 << 30)},
                                           AmountCase{"1.5G", 1.5e9}, AmountCase{"100kB", 1e5},
                                           AmountCase{"4TB", 4e12}, AmountCase{"", -1},
                                           AmountCase{"-1", -1}, AmountCase{"x", -1},
                                           AmountCase{"8Q", -1}, AmountCase{"8iB", -1},
                                           AmountCase{"inf", -1}, AmountCase{"nan", -1}));

Worker worker_with(double gpus, const std::string& arch) {
  Worker worker;
  worker.declared.offer.functions = {{"f", Takes::item, Encoding::raw, "", false, 0}};
  worker.index_functions();
  worker.declared.offer.capacity.cores = 4;
  worker.declared.memory = 16ULL << 30;
  if (gpus > 0) worker.declared.offer.resources["gpu"] = gpus;
  worker.declared.offer.labels["arch"] = arch;
  return worker;
}

TEST(Needs, labels_must_be_equal_and_amounts_sufficient) {
  const Worker worker = worker_with(2, "arm64");
  const auto suited = [&](std::map<std::string, std::string> require) {
    return Need{"f", Takes::item, Encoding::raw, std::move(require), {}}.met_by(worker);
  };
  EXPECT_TRUE(suited({{"arch", "arm64"}}));
  EXPECT_FALSE(suited({{"arch", "amd64"}}));
  EXPECT_TRUE(suited({{"mem", "16GiB"}, {"gpu", "2"}, {"cpus", "4"}}));
  EXPECT_FALSE(suited({{"mem", "17GiB"}}));
  EXPECT_FALSE(suited({{"gpu", "3"}}));
  EXPECT_FALSE(suited({{"fpga", "1"}})) << "no worker has it";
  EXPECT_FALSE(suited({{"zone", "b"}}));
}

TEST(Needs, a_counted_resource_is_occupied_while_a_lease_is_out) {
  Worker worker = worker_with(2, "amd64");
  const Need need{"f", Takes::item, Encoding::raw, {{"gpu", "1"}}, {}};
  EXPECT_TRUE(need.free_on(worker));
  need.count(worker, 1);
  EXPECT_TRUE(need.free_on(worker));
  need.count(worker, 1);
  EXPECT_FALSE(need.free_on(worker));
  need.count(worker, -1);
  EXPECT_TRUE(need.free_on(worker));
}

TEST(Pools, an_unknown_worker_is_assumed_average_scaled_by_its_relative_speed) {
  Worker known = worker_with(0, "a"), fresh = worker_with(0, "a"), quick = worker_with(0, "a");
  known.speed.records["f"].rate.learn(100, 1, 100, 1);
  quick.speed.records["other"].relative = 3;
  Pool pool({"f", Takes::item, Encoding::raw, {}, {}});
  for (Worker* worker : {&fresh, &quick, &known}) pool.add(*worker);
  pool.refresh(0);
  EXPECT_NEAR(pool.mean_rate(), 100, 1e-9);
  EXPECT_NEAR(pool.of(fresh)->rate, 100, 1e-9);
  EXPECT_NEAR(pool.of(quick)->rate, 300, 1e-9);
  EXPECT_NEAR(pool.total_rate(), 500, 1e-9);
  EXPECT_EQ(pool.slots(), 3u);
  pool.remove(quick);
  pool.refresh(0);
  EXPECT_NEAR(pool.total_rate(), 200, 1e-9);
  EXPECT_EQ(pool.of(quick), nullptr);
  EXPECT_NE(pool.of(known), nullptr);
}

}  // namespace
}  // namespace quern::broker
