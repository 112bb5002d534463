#include "wire/intervals.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace quern::wire::test {
namespace {

using Model = std::set<std::uint64_t>;
constexpr std::uint64_t kUniverse = 200;

/// The canonical list of the set, computed naively.
Intervals list_of(const Model& model) {
  Intervals out;
  for (const auto index : model) {
    if (!out.empty() && out.back().end == index)
      ++out.back().end;
    else
      out.push_back({index, index + 1});
  }
  return out;
}

Intervals clipped(const Model& model, Interval window, bool inside) {
  Model chosen;
  for (std::uint64_t i = window.begin; i < window.end; ++i)
    if (model.contains(i) == inside) chosen.insert(i);
  return list_of(chosen);
}

void expect_equal(const IntervalSet& set, const Model& model) {
  const auto list = set.list();
  ASSERT_EQ(list, list_of(model));
  ASSERT_EQ(set.size(), model.size());
  ASSERT_EQ(set.fragments(), list.size());
  ASSERT_EQ(set.empty(), model.empty());
  ASSERT_TRUE(well_formed(list));
  if (model.empty()) return;
  ASSERT_EQ(set.front(), *model.begin());
  ASSERT_EQ(set.back_end(), *model.rbegin() + 1);
  ASSERT_EQ(set.first(), list.front());
}

/// Random operations on a set and on a std::set of indices must agree at every step.
class SetAndModel {
 public:
  explicit SetAndModel(std::uint64_t seed) : random_(seed) {}

  void step() {
    const Interval window = some_interval();
    switch (random_() % 5) {
      case 0:
      case 1:
        add(window);
        break;
      case 2:
        remove(window);
        break;
      case 3:
        take_front();
        break;
      default:
        look(window);
    }
    expect_equal(set_, model_);
  }

 private:
  Interval some_interval() {
    const std::uint64_t begin = random_() % kUniverse;
    return {begin, begin + random_() % 20};
  }
  void add(Interval window) {
    std::uint64_t added = 0;
    for (std::uint64_t i = window.begin; i < window.end; ++i) added += model_.insert(i).second;
    ASSERT_EQ(set_.add(window), added);
  }
  void remove(Interval window) {
    std::uint64_t removed = 0;
    for (std::uint64_t i = window.begin; i < window.end; ++i) removed += model_.erase(i);
    ASSERT_EQ(set_.remove(window), removed);
  }
  void take_front() {
    if (model_.empty()) return;
    const auto first = set_.first();
    const std::uint64_t count = 1 + random_() % 10;
    const auto taken = set_.take_front(count);
    ASSERT_EQ(taken, (Interval{first.begin, std::min(first.end, first.begin + count)}));
    for (std::uint64_t i = taken.begin; i < taken.end; ++i) ASSERT_EQ(model_.erase(i), 1u);
  }
  void look(Interval window) {
    ASSERT_EQ(set_.intersect(window), clipped(model_, window, true));
    ASSERT_EQ(set_.missing(window), clipped(model_, window, false));
    ASSERT_EQ(set_.contains(window), clipped(model_, window, false).empty());
    ASSERT_EQ(set_.contains(window.begin), model_.contains(window.begin));
  }

  std::mt19937_64 random_;
  IntervalSet set_;
  Model model_;
};

TEST(Intervals, intervals_agree_with_a_set_of_indices) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    SetAndModel both(seed);
    for (int i = 0; i < 1000 && !testing::Test::HasFatalFailure(); ++i) both.step();
  }
}

TEST(Intervals, neighbours_become_one_interval) {
  IntervalSet set;
  EXPECT_EQ(set.add({0, 5}), 5u);
  EXPECT_EQ(set.add({10, 15}), 5u);
  EXPECT_EQ(set.add({5, 10}), 5u);
  EXPECT_EQ(set.list(), (Intervals{{0, 15}}));
}

TEST(Intervals, removing_the_middle_leaves_two_intervals) {
  IntervalSet set(Intervals{{0, 100}});
  EXPECT_EQ(set.remove({40, 60}), 20u);
  EXPECT_EQ(set.list(), (Intervals{{0, 40}, {60, 100}}));
}

TEST(Intervals, empty_intervals_change_nothing) {
  IntervalSet set(Intervals{{0, 10}});
  EXPECT_EQ(set.add({5, 5}), 0u);
  EXPECT_EQ(set.remove({7, 7}), 0u);
  EXPECT_EQ(set.remove({20, 30}), 0u);
  EXPECT_TRUE(set.contains(Interval{3, 3}));
  EXPECT_TRUE(set.intersect({4, 4}).empty());
  EXPECT_TRUE(set.missing({4, 4}).empty());
  EXPECT_EQ(set.size(), 10u);
}

TEST(Intervals, a_trillion_indices_use_no_memory) {
  IntervalSet set(Intervals{{0, 1'000'000'000'000}});
  EXPECT_EQ(set.size(), 1'000'000'000'000u);
  EXPECT_EQ(set.fragments(), 1u);
  EXPECT_EQ(set.take_front(1), (Interval{0, 1}));
  set.clear();
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(set.size(), 0u);
}

TEST(Intervals, only_sorted_disjoint_intervals_are_well_formed) {
  EXPECT_TRUE(well_formed({}));
  EXPECT_TRUE(well_formed({{0, 1}}));
  EXPECT_TRUE(well_formed({{0, 1}, {1, 2}}));  // adjacent intervals are allowed on the wire
  EXPECT_FALSE(well_formed({{0, 0}}));
  EXPECT_FALSE(well_formed({{2, 1}}));
  EXPECT_FALSE(well_formed({{0, 2}, {1, 3}}));
  EXPECT_FALSE(well_formed({{5, 6}, {0, 1}}));
  EXPECT_EQ(size(Intervals{{0, 5}, {7, 9}}), 7u);
}

}  // namespace
}  // namespace quern::wire::test
