// The parts of the core, each compared with a naive model.
#include <gtest/gtest.h>

#include <random>

#include "broker/core/jobs/interval_counts.hpp"
#include "broker/core/jobs/partials.hpp"
#include "broker/core/jobs/payloads.hpp"
#include "broker/core/scheduling/decision.hpp"
#include "broker/core/scheduling/placement.hpp"
#include "broker/core/scheduling/sizing.hpp"
#include "wire/number.hpp"

namespace quern::broker {
namespace {

using wire::Interval;

TEST(Payloads, appended_payloads_are_gathered_for_any_intervals) {
  std::mt19937 random(1);
  Payloads payloads;
  std::vector<std::string> model;
  while (model.size() < 20'000) {
    wire::BatchBuilder builder;
    const bool uniform = random() % 2 == 0;
    const std::size_t n = 1 + random() % (random() % 8 == 0 ? 8000 : 50);
    for (std::size_t i = 0; i < n; ++i) {
      model.emplace_back(uniform ? 16 : random() % 40, static_cast<char>('a' + random() % 26));
      builder.add(model.back());
    }
    payloads.append(builder.take());
  }
  ASSERT_EQ(payloads.end(), model.size());
  for (int round = 0; round < 2000; ++round) {
    wire::Intervals tasks;
    std::uint64_t at = random() % model.size();
    for (int k = 0; k < 3 && at < model.size(); ++k) {
      const std::uint64_t end = std::min<std::uint64_t>(model.size(), at + 1 + random() % 300);
      tasks.push_back({at, end});
      at = end + 1 + random() % 5;
    }
    const wire::Batch batch = payloads.gather(tasks);
    wire::BatchReader reader(batch);
    for (const auto& interval : tasks)
      for (std::uint64_t i = interval.begin; i < interval.end; ++i)
        ASSERT_EQ(reader.next(), model[i]);
    ASSERT_TRUE(reader.at_end());
  }
}

TEST(Payloads, a_slab_of_empty_payloads_does_not_grow_without_bound) {
  Payloads payloads;
  wire::BatchBuilder builder;
  for (int i = 0; i < 65'536; ++i) builder.add({});
  const wire::Batch batch = builder.take();
  while (payloads.end() < 3 * Payloads::kSlabTasksMost) payloads.append(batch);
  EXPECT_EQ(payloads.gather({{payloads.end() - 2, payloads.end()}}).count(), 2u);
  EXPECT_GE(payloads.slabs(), 3u);
}

TEST(Payloads, a_slab_is_freed_when_its_last_task_has_ended) {
  Payloads payloads;
  wire::BatchBuilder builder;
  for (int i = 0; i < 10'000; ++i) builder.add(std::string(16, 'x'));
  payloads.append(builder.take());
  EXPECT_LT(payloads.bytes(), 10'000u * 17);
  wire::Intervals dropped;
  payloads.release({5000, 10'000}, dropped);
  EXPECT_TRUE(dropped.empty());
  EXPECT_GT(payloads.bytes(), 0u);
  payloads.release({0, 5000}, dropped);
  EXPECT_EQ(payloads.bytes(), 0u);
  EXPECT_EQ(dropped, (wire::Intervals{{0, 10'000}}));
}

TEST(Payloads, a_lease_stays_within_its_bytes_but_gets_at_least_one_task) {
  Payloads payloads;
  wire::BatchBuilder builder;
  for (int i = 0; i < 4; ++i) builder.add(std::string(100'000, 'x'));
  payloads.append(builder.take());
  EXPECT_EQ(payloads.fitting(0, 4, 250'000), 2u);
  EXPECT_EQ(payloads.fitting(0, 4, 10), 1u);
}

TEST(IntervalCounts, interval_counts_agree_with_a_map_of_indices) {
  std::mt19937 random(2);
  IntervalCounts counts;
  std::vector<std::uint32_t> model(200, 0);
  for (int step = 0; step < 5000; ++step) {
    const std::uint64_t begin = random() % 200, end = begin + random() % (201 - begin);
    const std::uint32_t n = random() % 4;
    if (begin < end) {
      if (n == 0)
        counts.forget({begin, end});
      else
        counts.set({begin, end}, n);
      std::fill(model.begin() + static_cast<long>(begin), model.begin() + static_cast<long>(end),
                n);
    }
    const std::uint64_t at = random() % 200;
    ASSERT_EQ(counts.at(at), model[at]);
    const std::uint64_t run = counts.run_end(at, 200);
    ASSERT_GT(run, at);
    for (std::uint64_t i = at; i < run; ++i)
      ASSERT_EQ(model[i], model[at]) << "a run of equal counts is one entry";
  }
}

TEST(Partials, the_fold_does_not_depend_on_the_order_of_arrival) {
  for (auto builtin : {wire::Builtin::sum, wire::Builtin::min, wire::Builtin::max,
                       wire::Builtin::count, wire::Builtin::concat}) {
    std::optional<Bytes> first;
    for (unsigned seed = 0; seed < 20; ++seed) {
      std::mt19937 random(seed);
      std::vector<std::uint64_t> order(300);
      for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
      std::shuffle(order.begin(), order.end(), random);
      Partials partials(builtin);
      for (std::uint64_t i : order) {
        Bytes one = builtin == wire::Builtin::concat ? "<" + std::to_string(i) + ">"
                                                     : wire::bytes_of(wire::Int128(i * 7919 % 301));
        const auto encoding = builtin == wire::Builtin::concat ? Encoding::raw : Encoding::value;
        ASSERT_FALSE(wire::begin_partial(builtin, encoding, one));
        ASSERT_FALSE(partials.add({i, i + 1}, std::move(one)));
      }
      EXPECT_EQ(partials.count(), 1u);
      if (!first) first = partials.value();
      EXPECT_EQ(partials.value(), first);
    }
  }
}

TEST(Partials, named_reducers_merge_only_neighbours_and_restore_lost_merges) {
  Partials partials(std::nullopt);
  for (std::uint64_t i : {0, 1, 2, 5, 6}) partials.add({i, i + 1}, "p" + std::to_string(i));
  auto run = partials.take_run(3, 64, 1000);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->tasks, (Interval{0, 3}));
  EXPECT_FALSE(partials.take_run(3, 64, 1000)) << "only two neighbours are left";
  partials.put_back(run->tasks);
  run = partials.take_run(3, 64, 1000);
  ASSERT_TRUE(run);
  partials.replace(run->tasks, "p012");
  EXPECT_EQ(partials.count(), 3u);
  EXPECT_EQ(partials.out(), 0u);
  EXPECT_TRUE(partials.take_run(2, 64, 1000))
      << "at the end, partials are merged across failed tasks";
}

/// The first choice of the placer.
Placement place(std::vector<Candidate> candidates, std::uint64_t tasks) {
  Placer placer;
  placer.begin(std::move(candidates));
  return placer.next(tasks);
}

TEST(Placement, the_worker_with_the_earliest_completion_is_chosen) {
  // Three tasks of cost 30, 40, 30 on rates 10, 20, 30: C = min{3, 2, 1} = 1 on the third.
  std::vector<Candidate> idle{
      {0, 0, 10.0 / 30, 1, true}, {1, 0, 20.0 / 40, 1, true}, {2, 0, 30.0 / 30, 1, true}};
  EXPECT_EQ(place(idle, 3).worker, 2u);
  // A fast worker that is free in 1 s beats one that is idle and needs 10 s.
  std::vector<Candidate> fast_soon{{0, 0, 0.1, 1, true}, {1, 1, 1, 1, false}};
  EXPECT_EQ(place(fast_soon, 1).worker, std::nullopt);
  // With more tasks than the fast one can do in that time the slow one helps.
  std::vector<Candidate> many{{0, 0, 0.1, 1, true}, {1, 1, 1, 1, false}};
  EXPECT_EQ(place(many, 12).worker, 0u);
  EXPECT_EQ(place({}, 5).worker, std::nullopt);
}

TEST(Sizing, lease_size_grows_from_one_and_shrinks_towards_the_end) {
  EXPECT_EQ(lease_size({0, 0, 0, 1000}), 1u) << "an unknown function starts with one task";
  EXPECT_EQ(lease_size({1e6, 1, 1e6, 1'000'000}), 8u) << "and grows with what was measured";
  EXPECT_EQ(lease_size({1e6, 1e6, 1e6, 100'000'000}), 100'000u) << "up to 100 ms";
  EXPECT_EQ(lease_size({1e6, 1e6, 4e6, 40'000}), 5000u) << "a share of what is left";
  EXPECT_EQ(lease_size({1e6, 1e6, 1e6, 100}), 100u) << "never shorter than 1 ms of work";
  EXPECT_EQ(lease_size({0.1, 1, 0.1, 1000}), 1u) << "a long task goes alone";
}

struct DecisionCase {
  InputKind input;
  std::vector<Takes> offered;
  bool fits;
  Takes takes;
  bool divisible;
};

class DecisionTableTest : public ::testing::TestWithParam<DecisionCase> {};

TEST_P(DecisionTableTest, decisions_follow_the_protocol) {
  const auto& c = GetParam();
  std::vector<FunctionDecl> offers;
  for (Takes takes : c.offered)
    offers.push_back({"f", takes, Encoding::value, takes == Takes::range ? "sum" : "", false, 0});
  const auto decided = decide({"f", c.input, ""}, offers);
  ASSERT_EQ(std::holds_alternative<Decision>(decided), c.fits);
  if (!c.fits) {
    EXPECT_NE(std::get<Misfit>(decided).text.find("--range"), std::string::npos)
        << "says what to do";
    return;
  }
  EXPECT_EQ(std::get<Decision>(decided).takes, c.takes);
  EXPECT_EQ(std::get<Decision>(decided).divisible, c.divisible);
  EXPECT_EQ(
      std::get<Decision>(decided).sentence.rfind(c.divisible ? "divisible" : "not divisible", 0),
      0u);
}

INSTANTIATE_TEST_SUITE_P(
    all, DecisionTableTest,
    ::testing::Values(
        DecisionCase{InputKind::whole, {Takes::whole}, true, Takes::whole, false},
        DecisionCase{InputKind::whole, {Takes::item}, true, Takes::item, false},
        DecisionCase{InputKind::whole, {Takes::range}, false, Takes::range, false},
        DecisionCase{InputKind::whole, {Takes::item, Takes::whole}, true, Takes::whole, false},
        DecisionCase{InputKind::items, {Takes::whole}, true, Takes::whole, false},
        DecisionCase{InputKind::items, {Takes::item}, true, Takes::item, true},
        DecisionCase{InputKind::items, {Takes::range}, false, Takes::range, false},
        DecisionCase{InputKind::items, {Takes::whole, Takes::item}, true, Takes::item, true},
        DecisionCase{InputKind::range, {Takes::whole}, true, Takes::whole, false},
        DecisionCase{InputKind::range, {Takes::item}, true, Takes::item, true},
        DecisionCase{InputKind::range, {Takes::range}, true, Takes::range, true},
        DecisionCase{InputKind::range,
                     {Takes::whole, Takes::item, Takes::range},
                     true,
                     Takes::range,
                     true}));

TEST(Decision, a_range_function_needs_a_reducer) {
  const auto decided =
      decide({"f", InputKind::range, ""}, {{"f", Takes::range, Encoding::value, "", false, 0}});
  ASSERT_TRUE(std::holds_alternative<Misfit>(decided));
  EXPECT_NE(std::get<Misfit>(decided).text.find("--reduce"), std::string::npos);
}

TEST(Decision, raw_bytes_cannot_be_summed_as_numbers) {
  const auto decided =
      decide({"f", InputKind::items, "sum"}, {{"f", Takes::item, Encoding::raw, "", false, 0}});
  EXPECT_TRUE(std::holds_alternative<Misfit>(decided));
}

}  // namespace
}  // namespace quern::broker
