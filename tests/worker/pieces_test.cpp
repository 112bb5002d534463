// The parts that run leases: cursor, folder, report builder, pace, back-off.
#include <gtest/gtest.h>

#include "wire/codec.hpp"
#include "wire/rules.hpp"
#include "worker/actors/cursor.hpp"
#include "worker/actors/folder.hpp"
#include "worker/actors/pace.hpp"
#include "worker/actors/report_builder.hpp"
#include "worker/core/backoff.hpp"

namespace quern::worker {
namespace {

using namespace std::chrono_literals;

// ---- cursor

TEST(Cursor, claims_stay_within_one_interval) {
  Cursor cursor({{0, 3}, {3, 5}, {9, 10}});
  const auto first = cursor.claim(2);
  EXPECT_EQ(first->tasks, (wire::Interval{0, 2}));
  EXPECT_TRUE(first->opens);
  const auto second = cursor.claim(9);
  EXPECT_EQ(second->tasks, (wire::Interval{2, 3}));
  EXPECT_FALSE(second->opens);
  const auto third = cursor.claim(9);  // a neighbour, but a separate interval
  EXPECT_EQ(third->tasks, (wire::Interval{3, 5}));
  EXPECT_TRUE(third->opens);
  EXPECT_EQ(cursor.claim(9)->tasks, (wire::Interval{9, 10}));
  EXPECT_FALSE(cursor.claim(9));
}

TEST(Cursor, only_unclaimed_tasks_are_cut) {
  Cursor cursor({{0, 4}, {8, 12}});
  cursor.claim(2);
  EXPECT_EQ(cursor.cut(5), (wire::Intervals{{3, 4}, {8, 12}}));
  EXPECT_EQ(cursor.cut(5), (wire::Intervals{{2, 3}}));
  EXPECT_EQ(cursor.cut(5), wire::Intervals{});
  EXPECT_FALSE(cursor.claim(1));
}

TEST(Cursor, returned_tasks_can_be_claimed_or_cut_again) {
  Cursor cursor({{0, 10}});
  cursor.claim(10);
  EXPECT_EQ(cursor.cut(10), wire::Intervals{});
  cursor.give_back(4);
  EXPECT_EQ(cursor.cut(3), (wire::Intervals{{7, 10}}));
  EXPECT_EQ(cursor.claim(10)->tasks, (wire::Interval{4, 7}));
  EXPECT_FALSE(cursor.claim(10));
}

TEST(Cursor, a_closed_cursor_gives_no_tasks) {
  Cursor cursor({{0, 10}});
  cursor.claim(3);
  cursor.close();
  EXPECT_FALSE(cursor.claim(1));
}

TEST(Cursor, an_empty_cursor_gives_no_tasks) {
  Cursor cursor({});
  EXPECT_FALSE(cursor.claim(1));
  EXPECT_EQ(cursor.cut(1), wire::Intervals{});
}

// ---- folder

TEST(Folder, values_are_folded_in_order_and_as_a_tree) {
  Functions functions;
  std::size_t copied = 0;
  functions.add_reducer_body({"join", Encoding::value, false, {}},
                             [&](BytesView left, BytesView right) {
                               copied += left.size() + right.size();
                               return Bytes(left).append(right);
                             });
  Folder folder(*Reducer::find("join", functions));
  Bytes expected;
  for (int i = 0; i < 1000; ++i) {
    const Bytes leaf(1, static_cast<char>('a' + i % 26));
    expected += leaf;
    folder.add(leaf);
  }
  EXPECT_EQ(folder.take(), expected);
  EXPECT_TRUE(folder.empty());
  EXPECT_LT(copied, 1000u * 12);  // n log n, where folding one by one copies n * n / 2
}

TEST(Folder, an_exception_names_the_reducer) {
  Functions functions;
  functions.add_reducer("bad", [](int, int) -> int { throw std::runtime_error("no"); });
  Folder folder(*Reducer::find("bad", functions));
  folder.add(to_value(1));
  try {
    folder.add(to_value(2));
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "reducer 'bad' failed: no");
  }
}

TEST(Folder, unknown_reducers_are_not_found) { EXPECT_FALSE(Reducer::find("nobody", Functions{})); }

// ---- report builder

constexpr wire::LeaseId kLease{7, 1};

std::uint64_t tasks_in(const std::vector<wire::Report>& reports) {
  std::uint64_t n = 0;
  std::uint32_t part = 0;
  for (const auto& report : reports) {
    EXPECT_EQ(report.id.part, part++);
    auto decoded = wire::decode(wire::encode({wire::SessionId{1}, report}));
    const auto* error = std::get_if<wire::DecodeError>(&decoded);
    EXPECT_EQ(error, nullptr) << error->text;
    n += wire::size(report.tasks);
  }
  return n;
}

TEST(ReportBuilder, an_empty_last_report_is_still_sent) {
  ReportBuilder builder(kLease, ReportBuilder::Payload::per_task);
  EXPECT_TRUE(builder.take(false, 5).empty());
  const auto reports = builder.take(true, 5);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_TRUE(reports[0].last);
  EXPECT_EQ(reports[0].busy_us, 5u);
}

TEST(ReportBuilder, neighbouring_results_form_one_interval) {
  ReportBuilder builder(kLease, ReportBuilder::Payload::per_task);
  for (std::uint64_t i : {3u, 4u, 5u, 9u}) {
    builder.bytes().append("x");
    builder.close_payload({i, i + 1}, 1);
  }
  const auto reports = builder.take(true, 0);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].tasks, (wire::Intervals{{3, 6}, {9, 10}}));
}

TEST(ReportBuilder, partials_keep_their_borders) {
  ReportBuilder builder(kLease, ReportBuilder::Payload::per_interval);
  for (std::uint64_t i : {0u, 5u}) {
    builder.bytes().append("x");
    builder.close_payload({i, i + 5}, 1);
  }
  const auto reports = builder.take(true, 0);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].tasks, (wire::Intervals{{0, 5}, {5, 10}}));
  EXPECT_TRUE(reports[0].partial);
}

TEST(ReportBuilder, a_large_result_is_reported_alone) {
  ReportBuilder builder(kLease, ReportBuilder::Payload::per_task);
  const Bytes small(1000, 's'), large(2u << 20, 'l');
  std::uint64_t i = 0;
  for (const auto& payload : {small, large, small}) {
    builder.bytes().append(payload);
    builder.close_payload({i, i + 1}, payload.size());
    ++i;
  }
  const auto reports = builder.take(true, 0);
  EXPECT_EQ(tasks_in(reports), 3u);
  ASSERT_EQ(reports.size(), 3u);
  EXPECT_EQ(reports[1].batch.bytes.view(), large);
  EXPECT_TRUE(reports[2].last && !reports[1].last && !reports[0].last);
}

TEST(ReportBuilder, a_result_over_the_limit_is_an_error) {
  ReportBuilder builder(kLease, ReportBuilder::Payload::per_task);
  builder.bytes().append(wire::kItemBytesMax + 1, 'x');
  builder.close_payload({0, 1}, wire::kItemBytesMax + 1);
  const auto reports = builder.take(true, 0);
  ASSERT_EQ(reports.size(), 1u);
  ASSERT_EQ(reports[0].errors.size(), 1u);
  EXPECT_EQ(reports[0].errors[0].code, ErrorCode::limit);
  EXPECT_EQ(reports[0].batch.bytes.size(), 0u);
}

TEST(ReportBuilder, equal_errors_of_neighbours_are_merged) {
  ReportBuilder builder(kLease, ReportBuilder::Payload::per_task);
  for (std::uint64_t i = 0; i < 5; ++i)
    builder.add_error({i, i + 1}, ErrorCode::failed, i < 3 ? "a" : "b");
  const auto reports = builder.take(true, 0);
  EXPECT_EQ(reports[0].errors, (std::vector<TaskError>{{0, 3, ErrorCode::failed, "a"},
                                                       {3, 2, ErrorCode::failed, "b"}}));
}

TEST(ReportBuilder, the_output_of_failed_tasks_follows_the_results) {
  ReportBuilder builder(kLease, ReportBuilder::Payload::per_task);
  builder.add_failure(0, ErrorCode::failed, "no", "zero");
  builder.bytes().append("one");
  builder.close_payload({1, 2}, 3);
  builder.add_failure(2, ErrorCode::failed, "no", "two");
  const auto reports = builder.take(true, 0);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].tasks, (wire::Intervals{{1, 2}}));
  EXPECT_EQ(reports[0].written, (wire::Intervals{{0, 1}, {2, 3}}));
  std::vector<std::string> payloads;
  for (wire::BatchReader reader(reports[0].batch); !reader.at_end();)
    payloads.emplace_back(reader.next());
  EXPECT_EQ(payloads, (std::vector<std::string>{"one", "zero", "two"}));
}

TEST(ReportBuilder, reports_with_output_stay_within_the_batch_limit) {
  ReportBuilder builder(kLease, ReportBuilder::Payload::per_task);
  std::uint64_t task = 0;
  for (const std::size_t size : {600'000u, 600'000u, 100u, 2'000'000u, 600'000u}) {
    builder.add_failure(task++, ErrorCode::failed, "no", Bytes(size, 'x'));
    builder.bytes().append(size, 'y');
    builder.close_payload({task, task + 1}, size);
    ++task;
  }
  std::uint64_t written = 0, tasks = 0;
  for (const auto& report : builder.take(true, 0)) {
    EXPECT_EQ(report.batch.count(), wire::size(report.tasks) + wire::size(report.written));
    EXPECT_TRUE(report.batch.count() == 1 || report.batch.weight() <= wire::kBatchBytesMax);
    EXPECT_FALSE(wire::broken_rule(report));
    written += wire::size(report.written);
    tasks += wire::size(report.tasks);
  }
  EXPECT_EQ(written, 5u);
  EXPECT_EQ(tasks, 5u);
}

TEST(ReportBuilder, many_long_errors_fit_into_the_header) {
  ReportBuilder builder(kLease, ReportBuilder::Payload::per_task);
  for (std::uint64_t i = 0; i < 500; ++i)
    builder.add_error({i, i + 1}, ErrorCode::failed,
                      std::string(9000, 'e') + std::to_string(i) + "\xff");
  std::uint64_t errors = 0;
  const auto reports = builder.take(true, 0);
  tasks_in(reports);
  for (const auto& report : reports)
    for (const auto& error : report.errors) errors += error.count;
  EXPECT_EQ(errors, 500u);
}

// ---- pace and back-off

TEST(Pace, the_pace_grows_eightfold_and_shrinks_at_once) {
  Pace pace(1ms);
  EXPECT_EQ(pace.next(), 1u);
  pace.note(1, 0ns);
  EXPECT_EQ(pace.next(), 8u);
  pace.note(8, 8us);
  EXPECT_EQ(pace.next(), 64u);
  pace.note(64, 64us);
  pace.note(512, 512us);
  EXPECT_EQ(pace.next(), 1000u);
  pace.note(1000, 1s);
  EXPECT_EQ(pace.next(), 1u);
}

TEST(Pace, the_pace_does_not_overflow) {
  Pace pace(1h);
  for (int i = 0; i < 100; ++i) pace.note(pace.next(), 0ns);
  EXPECT_EQ(pace.next(), 1ULL << 62);
}

TEST(Backoff, the_backoff_doubles_up_to_its_limit) {
  Backoff backoff(100ms, 350ms);
  EXPECT_EQ(backoff.next(), 100ms);
  EXPECT_EQ(backoff.next(), 200ms);
  EXPECT_EQ(backoff.next(), 350ms);
  backoff.reset();
  EXPECT_EQ(backoff.next(), 100ms);
}

}  // namespace
}  // namespace quern::worker
