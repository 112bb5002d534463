// Which tasks become ready when results arrive: the patterns `group`, `all` and `list`.
#include "broker/core/edges/gather.hpp"

#include <gtest/gtest.h>

namespace quern::broker {
namespace {

using Tasks = std::vector<std::uint64_t>;

constexpr Gather::Source kFrom = wire::TaskGraph::kEdges;
constexpr Gather::Source kSelf = wire::TaskGraph::kSelf;

/// Delivers a result as an entry of its own. Entries arrive in order, whatever their tasks.
void deliver(Gather& gather, std::uint64_t index, Gather::Source source = kFrom) {
  static std::uint64_t entry = 0;
  if (source == kFrom)
    gather.deliver(source, index, ResultPlace{entry++, static_cast<std::uint32_t>(index), 1});
  else
    gather.deliver(source, index, ResultPlace{index, 0, 1});
}

/// Which results each task needs, as a table: task -> first result and number of results.
std::vector<std::pair<std::uint64_t, std::size_t>> shape(std::uint64_t width, std::uint64_t step,
                                                         std::uint64_t total, bool closed = true) {
  Gather gather(width, step);
  std::vector<std::pair<std::uint64_t, std::size_t>> out;
  const std::uint64_t tasks = gather.grow(total, closed);
  for (std::uint64_t i = 0; i < total; ++i) deliver(gather, i);
  for (std::uint64_t task = 0; task < tasks; ++task) {
    const auto inputs = gather.inputs(task);
    out.emplace_back(inputs.empty() ? 0 : inputs.front().place.offset, inputs.size());
  }
  EXPECT_EQ(gather.take_ready().size(), tasks) << "all results are there, so all tasks are ready";
  return out;
}

using Shape = std::vector<std::pair<std::uint64_t, std::size_t>>;

TEST(Gather, groups_cover_all_results_and_the_last_may_be_shorter) {
  EXPECT_EQ(shape(2, 2, 4), (Shape{{0, 2}, {2, 2}}));
  EXPECT_EQ(shape(2, 2, 5), (Shape{{0, 2}, {2, 2}, {4, 1}}));
  EXPECT_EQ(shape(3, 1, 5), (Shape{{0, 3}, {1, 3}, {2, 3}}));
  EXPECT_EQ(shape(3, 2, 6), (Shape{{0, 3}, {2, 3}, {4, 2}}));
  EXPECT_EQ(shape(2, 4, 9), (Shape{{0, 2}, {4, 2}, {8, 1}}));
  EXPECT_EQ(shape(2, 4, 7), (Shape{{0, 2}, {4, 2}}));
  EXPECT_EQ(shape(5, 1, 3), (Shape{{0, 3}}));
  EXPECT_EQ(shape(2, 2, 0), Shape{});
}

TEST(Gather, while_the_source_is_open_only_full_groups_are_known) {
  EXPECT_EQ(shape(2, 2, 5, false), (Shape{{0, 2}, {2, 2}}));
  EXPECT_EQ(shape(3, 1, 2, false), Shape{});
}

TEST(Gather, all_is_one_task_when_the_source_is_closed) {
  Gather gather;
  EXPECT_EQ(gather.grow(3, false), 0u);
  for (std::uint64_t i = 0; i < 3; ++i) deliver(gather, i);
  EXPECT_TRUE(gather.take_ready().empty());
  EXPECT_EQ(gather.grow(3, true), 1u);
  EXPECT_EQ(gather.take_ready(), Tasks{0});
  EXPECT_EQ(gather.inputs(0).size(), 3u);
}

TEST(Gather, all_of_nothing_is_a_task_without_results) {
  Gather gather;
  EXPECT_EQ(gather.grow(0, true), 1u);
  EXPECT_EQ(gather.take_ready(), Tasks{0});
}

TEST(Gather, a_task_is_ready_with_its_last_result_in_any_order) {
  Gather gather(3, 3);
  gather.grow(6, true);
  for (const std::uint64_t i : {4u, 0u, 5u, 2u}) deliver(gather, i);
  EXPECT_TRUE(gather.take_ready().empty());
  deliver(gather, 3);
  EXPECT_EQ(gather.take_ready(), Tasks{1});
  deliver(gather, 3);
  deliver(gather, 1);
  EXPECT_EQ(gather.take_ready(), Tasks{0});
  EXPECT_TRUE(gather.take_ready().empty()) << "each task is returned once";
}

/// Two leaves; task 2 needs both; task 3 needs task 2 twice and a value.
wire::TaskGraph diamond() {
  wire::TaskGraph graph;
  graph.offsets = {0, 0, 0, 2, 5};
  graph.sources = {kSelf, kSelf, kSelf, wire::TaskGraph::kValues, kSelf};
  graph.indices = {0, 1, 2, 0, 2};
  graph.value_sizes = {3};
  graph.values = wire::Buffer::copy("abc");
  return graph;
}

TEST(Gather, tasks_of_a_list_without_links_are_ready_at_once) {
  Gather gather(diamond(), {});
  EXPECT_EQ(gather.take_ready(), (Tasks{0, 1}));
  deliver(gather, 0, kSelf);
  deliver(gather, 1, kSelf);
  EXPECT_EQ(gather.take_ready(), Tasks{2});
  deliver(gather, 2, kSelf);
  EXPECT_EQ(gather.take_ready(), Tasks{3});
  const auto inputs = gather.inputs(3);
  ASSERT_EQ(inputs.size(), 3u);
  EXPECT_EQ(inputs[0].place.entry, 2u);
  EXPECT_TRUE(inputs[1].value);
  EXPECT_EQ(inputs[1].bytes, "abc");
  EXPECT_EQ(inputs[2].place.entry, 2u);
}

TEST(Gather, a_failure_stops_every_task_that_needs_it_once) {
  Gather gather(diamond(), {});
  gather.take_ready();
  EXPECT_EQ(gather.fail(kSelf, 0), Tasks{2});
  EXPECT_TRUE(gather.fail(kSelf, 1).empty()) << "it was stopped before";
  EXPECT_EQ(gather.fail(kSelf, 2), Tasks{3});
}

TEST(Gather, a_task_is_revived_when_nothing_that_it_needs_has_failed) {
  Gather gather(diamond(), {});
  gather.take_ready();
  gather.fail(kSelf, 0);
  gather.fail(kSelf, 1);
  EXPECT_TRUE(gather.revive(kSelf, {0, 1}).empty());
  EXPECT_EQ(gather.revive(kSelf, {1, 2}), Tasks{2});
  deliver(gather, 0, kSelf);
  deliver(gather, 1, kSelf);
  EXPECT_EQ(gather.take_ready(), Tasks{2});
}

TEST(Gather, entries_are_needed_until_the_last_task_has_its_payload) {
  Gather gather(2, 1);  // task i needs results i and i + 1
  gather.grow(3, true);
  for (std::uint64_t i = 0; i < 3; ++i) gather.deliver(kFrom, i, ResultPlace{i, 0, 1});
  EXPECT_EQ(gather.take_ready(), (Tasks{0, 1}));
  EXPECT_EQ(gather.needs_from(kFrom, 3), 0u);
  gather.release(0);
  EXPECT_EQ(gather.needs_from(kFrom, 3), 1u) << "task 1 needs result 1 too";
  gather.release(1);
  EXPECT_EQ(gather.needs_from(kFrom, 3), 3u);
}

TEST(Gather, results_in_gaps_between_groups_are_not_kept) {
  Gather gather(1, 3);
  gather.grow(6, true);
  for (std::uint64_t i = 0; i < 6; ++i) gather.deliver(kFrom, i, ResultPlace{i, 0, 1});
  for (const std::uint64_t task : gather.take_ready()) gather.release(task);
  EXPECT_EQ(gather.needs_from(kFrom, 6), 6u);
}

TEST(Gather, a_group_that_becomes_known_after_a_failure_is_stopped) {
  Gather gather;
  gather.grow(2, false);
  EXPECT_TRUE(gather.fail(kFrom, 1).empty());
  gather.grow(2, true);
  const auto stopped = gather.take_stopped();
  ASSERT_EQ(stopped.size(), 1u);
  EXPECT_EQ(stopped[0].first, 0u);
  EXPECT_EQ(stopped[0].second.index, 1u);
}

TEST(Gather, a_missing_result_is_named) {
  Gather gather(3, 3);
  gather.grow(3, true);
  deliver(gather, 0);
  const auto missing = gather.missing(0);
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->index, 1u);
}

}  // namespace
}  // namespace quern::broker
