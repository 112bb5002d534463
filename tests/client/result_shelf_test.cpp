// The result shelf: batches go in, tasks come out in either order, and reading is acknowledged.
#include "client/result_shelf.hpp"

#include <gtest/gtest.h>

#include <set>

#include "client/client_fixture.hpp"

namespace quern::client {
namespace {

/// Results of these tasks; the bytes of each task are its index as text.
wire::Results results_of(const wire::Intervals& tasks, std::vector<TaskError> errors = {}) {
  wire::Results results;
  results.tasks = tasks;
  wire::BatchBuilder builder;
  for (const auto& interval : tasks) {
    for (auto i = interval.begin; i < interval.end; ++i) builder.add(std::to_string(i));
  }
  results.batch = builder.take();
  results.errors = std::move(errors);
  return results;
}

TEST(ResultShelf, tasks_are_returned_in_input_order_from_batches_in_any_order) {
  ResultShelf shelf;
  shelf.add(results_of({{8, 12}}));
  EXPECT_FALSE(shelf.next_in_order());
  shelf.add(results_of({{0, 3}, {5, 8}}));
  for (std::uint64_t i = 0; i < 3; ++i) EXPECT_EQ(shelf.next_in_order()->bytes, std::to_string(i));
  EXPECT_FALSE(shelf.next_in_order());
  shelf.add(results_of({}, {{3, 2, ErrorCode::failed, "no"}}));
  for (std::uint64_t i = 3; i < 12; ++i) {
    const auto result = shelf.next_in_order();
    ASSERT_TRUE(result) << i;
    EXPECT_EQ(result->index, i);
    EXPECT_EQ(result->ok, i >= 5);
    EXPECT_EQ(i >= 5 ? result->bytes : result->text, i >= 5 ? std::to_string(i) : "no");
  }
  EXPECT_FALSE(shelf.next_in_order());
}

TEST(ResultShelf, the_output_of_failed_tasks_is_returned) {
  ResultShelf shelf;
  wire::Results results =
      results_of({{0, 2}}, {{2, 3, ErrorCode::failed, "no"}, {7, 1, ErrorCode::timeout, "late"}});
  wire::BatchBuilder builder;
  for (const char* bytes : {"0", "1", "of three", "of four", "of nine"}) builder.add(bytes);
  results.batch = builder.take();
  results.written = {{3, 5}, {9, 10}};  // task 9 has no error: it was retried
  shelf.add(results);
  const char* bytes[] = {"0", "1", "", "of three", "of four"};
  for (std::uint64_t i = 0; i < 5; ++i) {
    const auto result = shelf.next_in_order();
    ASSERT_TRUE(result);
    EXPECT_EQ(result->index, i);
    EXPECT_EQ(result->ok, i < 2);
    EXPECT_EQ(result->bytes, bytes[i]);
  }
  shelf.complete();
  EXPECT_EQ(shelf.next_in_order()->index, 7u);
  EXPECT_FALSE(shelf.next_in_order());
}

TEST(ResultShelf, tasks_can_be_returned_as_they_arrive) {
  ResultShelf shelf;
  shelf.add(results_of({{8, 10}}));
  shelf.add(results_of({{0, 1}}, {{5, 1, ErrorCode::timeout, "late"}}));
  std::vector<std::uint64_t> order;
  while (auto result = shelf.next_completed()) order.push_back(result->index);
  EXPECT_EQ(order, (std::vector<std::uint64_t>{8, 9, 0, 5}));
}

TEST(ResultShelf, each_task_is_delivered_once_when_orders_are_mixed) {
  ResultShelf shelf;
  shelf.add(results_of({{4, 8}}));
  shelf.add(results_of({{0, 4}, {10, 12}}));
  std::multiset<std::uint64_t> seen;
  seen.insert(shelf.next_completed()->index);  // 4
  seen.insert(shelf.next_in_order()->index);   // 0
  seen.insert(shelf.next_completed()->index);
  seen.insert(shelf.next_in_order()->index);
  shelf.complete();
  if (auto portion = shelf.next_portion()) {
    for (const auto& f : portion->fragments) {
      for (std::uint64_t i = 0; i < f.count; ++i) seen.insert(f.begin + i);
    }
  }
  while (auto result = shelf.next_in_order()) {
    EXPECT_EQ(result->bytes, std::to_string(result->index));
    seen.insert(result->index);
  }
  EXPECT_EQ(seen, (std::multiset<std::uint64_t>{0, 1, 2, 3, 4, 5, 6, 7, 10, 11}));
}

TEST(ResultShelf, missing_tasks_are_skipped_only_at_the_end) {
  ResultShelf shelf;
  shelf.add(results_of({{5, 6}}));
  EXPECT_FALSE(shelf.next_in_order());
  shelf.complete();
  EXPECT_EQ(shelf.next_in_order()->index, 5u);
}

TEST(ResultShelf, a_task_sent_twice_by_a_faulty_broker_does_no_harm) {
  ResultShelf shelf;
  shelf.add(results_of({{0, 2}}));
  shelf.add(results_of({{0, 2}}));
  int count = 0;
  while (shelf.next_completed()) ++count;
  EXPECT_EQ(count, 4);
}

TEST(ResultShelf, half_a_window_is_acknowledged_while_reading_and_an_eighth_before_waiting) {
  using Reader = ResultShelf::Reader;
  ResultShelf shelf(80);
  const auto ten_bytes = [](std::uint64_t i) {
    wire::Results results;
    results.tasks = {{i, i + 1}};
    results.batch = batch_of({"123456"});  // weighs 10
    return results;
  };
  for (std::uint64_t i = 0; i < 8; ++i) shelf.add(ten_bytes(i));
  for (int i = 0; i < 3; ++i) {
    shelf.next_in_order();
    EXPECT_FALSE(shelf.ack_due(Reader::reads));
  }
  shelf.next_in_order();
  EXPECT_EQ(shelf.ack_due(Reader::reads), 4u);
  shelf.next_in_order();
  EXPECT_FALSE(shelf.ack_due(Reader::reads));
  EXPECT_EQ(shelf.ack_due(Reader::waits_for_any), 5u);
  EXPECT_EQ(shelf.ack_due(Reader::waits), 8u)
      << "the missing tasks can only arrive after an acknowledgement";
  EXPECT_FALSE(shelf.ack_due(Reader::waits));
  for (int i = 0; i < 3; ++i) shelf.next_in_order();
  EXPECT_FALSE(shelf.ack_due(Reader::waits));
}

TEST(ResultShelf, the_last_result_is_acknowledged_however_small) {
  ResultShelf shelf;
  shelf.add(results_of({{0, 1}}));
  shelf.complete();
  shelf.next_in_order();
  EXPECT_EQ(shelf.ack_due(ResultShelf::Reader::reads), 1u);
}

}  // namespace
}  // namespace quern::client
