// Payloads and results that are evicted from memory because the store has them.
#include "broker/broker_fixture.hpp"
#include "broker/core/jobs/payloads.hpp"
#include "broker/core/jobs/result_log.hpp"

namespace quern::broker {
namespace {

TEST(StoredPayloads, stored_payloads_can_be_evicted_and_reloaded) {
  Payloads payloads;
  wire::BatchBuilder builder;
  for (int i = 0; i < 10'000; ++i) builder.add(std::to_string(10'000 + i) + "-----------");
  const wire::Batch batch = builder.take();
  for (int i = 0; i < 3; ++i) payloads.append(batch, 7);
  EXPECT_EQ(payloads.evict(0, 1, 1u << 30, 6), 0u) << "its commit is not finished";
  EXPECT_GT(payloads.evict(0, 1, 1u << 30, 7), 0u);
  EXPECT_TRUE(payloads.resident(0)) << "payloads that are needed next stay in memory";
  EXPECT_FALSE(payloads.resident(10'000));
  EXPECT_LT(payloads.bytes(), payloads.queued_bytes());
  const auto stretch = payloads.wanted(10'000, 1);
  ASSERT_TRUE(stretch);
  EXPECT_EQ(*stretch, (wire::Interval{10'000, 20'000}));
  EXPECT_FALSE(payloads.wanted(10'000, 1)) << "each stretch is requested once";
  payloads.on_loaded(*stretch, batch);
  EXPECT_TRUE(payloads.resident(10'000));
  EXPECT_EQ(payloads.gather({{10'000, 10'001}}).bytes.view(), "10000-----------");
  wire::Intervals dropped;
  payloads.release({0, 30'000}, dropped);
  EXPECT_EQ(payloads.queued_bytes(), 0u);
  EXPECT_EQ(dropped.size(), 3u);
}

TEST(StoredPayloads, stored_payloads_are_evicted_completely_when_none_need_to_stay) {
  Payloads payloads;
  payloads.append(batch_of({std::string(100u << 10, 'x')}), 7);
  payloads.append(batch_of({"small"}), 7);
  payloads.evict(0, 0, 1u << 30, 7);
  EXPECT_EQ(payloads.bytes(), 0u);
  EXPECT_FALSE(payloads.resident(0));
  EXPECT_FALSE(payloads.resident(1));
}

TEST(StoredResults, stored_results_can_be_evicted_and_reloaded) {
  ResultLog log;
  for (std::uint64_t i = 0; i < 10; ++i)
    log.put({.tasks = {{i, i + 1}}, .batch = batch_of({std::string(1000, 'r')}), .sequence = 5});
  const std::uint64_t all = log.bytes();
  log.evict(0, all / 2, 4);
  EXPECT_EQ(log.bytes(), all) << "its commit is not finished";
  log.evict(3, all / 2, 5);
  EXPECT_LE(log.bytes(), all / 2);
  EXPECT_EQ(log.at(0).place, ResultEntry::Place::store)
      << "entries that were read are evicted first";
  EXPECT_EQ(log.at(3).place, ResultEntry::Place::memory)
      << "the entry that is read next stays in memory";
  EXPECT_EQ(log.wanted(0, 1500), (std::vector<std::uint64_t>{0, 1}));
  log.on_loaded(0, batch_of({std::string(1000, 'r')}));
  EXPECT_EQ(log.at(0).place, ResultEntry::Place::memory);
  log.clear();
  EXPECT_EQ(log.bytes(), 0u);
}

}  // namespace
}  // namespace quern::broker
