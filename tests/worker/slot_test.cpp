// Slots with real threads: every task that ran is reported exactly once, whatever happens during
// the run. Tests wait for conditions and never sleep.
#include "worker/actors/slot.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "support/gate.hpp"
#include "worker/slot_fixture.hpp"

namespace quern::worker {
namespace {

using namespace std::chrono_literals;

using test::Gate;

TEST_F(SlotTest, every_item_has_its_result) {
  functions.add_raw(
      "twice", [](Task& task, Output& out) { out.append(task.input()), out.append(task.input()); });
  const auto reports = run(items(20'000, "twice"));
  const auto all = results(reports);
  ASSERT_EQ(all.size(), 20'000u);
  for (const auto& [i, bytes] : all) EXPECT_EQ(bytes, std::to_string(i) + std::to_string(i));
}

TEST_F(SlotTest, many_results_are_reported_in_parts) {
  functions.add_raw("kilo", [](Task&, Output& out) { out.bytes().append(1024, 'k'); });
  const auto reports = run(items(2000, "kilo"));
  EXPECT_EQ(results(reports).size(), 2000u);
  EXPECT_GE(reports.size(), 7u);
  for (const auto& report : reports) EXPECT_LE(report.batch.weight(), 300u << 10);
}

TEST_F(SlotTest, an_exception_fails_only_its_task) {
  functions.add_raw("odd", [](Task& task, Output& out) {
    out.append("begun");  // the partial output of a failed task is dropped
    if (task.index() == 3) throw std::runtime_error("three is bad");
    if (task.index() == 5) throw 5;
  });
  const auto reports = run(items(8, "odd"));
  EXPECT_EQ(results(reports).size(), 6u);
  for (const auto& [i, bytes] : results(reports)) EXPECT_EQ(bytes, "begun");
  EXPECT_EQ(
      errors(reports),
      (std::vector<TaskError>{
          {3, 1, ErrorCode::failed, "three is bad"},
          {5, 1, ErrorCode::failed, "the function threw something that is not a std::exception"}}));
}

TEST_F(SlotTest, an_indexed_item_is_a_value) {
  functions.add("square", [](std::int64_t x) { return x * x; });
  wire::Lease lease = make_lease(1, "square", wire::LeaseKind::item, {{0, 3}});
  lease.indexed = true;
  lease.base = -1;
  const auto all = results(run(lease));
  EXPECT_EQ(integer(all.at(0)), 1);
  EXPECT_EQ(integer(all.at(1)), 0);
  EXPECT_EQ(integer(all.at(2)), 1);
}

TEST_F(SlotTest, a_raw_item_of_a_typed_function_is_parsed_as_json) {
  functions.add("length", [](std::vector<int> list) { return list.size(); });
  wire::Lease lease = make_lease(1, "length", wire::LeaseKind::item, {{0, 2}});
  wire::BatchBuilder builder;
  builder.add("[1,2,3]");
  builder.add("oh no");
  lease.batch = builder.take();
  const auto reports = run(lease);
  EXPECT_EQ(integer(results(reports).at(0)), 3);
  ASSERT_EQ(errors(reports).size(), 1u);
  EXPECT_EQ(errors(reports)[0].text, "the input is not JSON: oh no");
}

TEST_F(SlotTest, an_unknown_function_is_an_error_for_all_tasks) {
  EXPECT_EQ(failed(run(items(5, "nobody"))).size(), 5u);
}

TEST_F(SlotTest, an_unknown_reducer_is_an_error_for_all_tasks) {
  functions.add_raw("echo", [](Task& task, Output& out) { out.append(task.input()); });
  wire::Lease lease = items(5, "echo");
  lease.reduce = "nobody";
  EXPECT_EQ(failed(run(lease)).size(), 5u);
}

// ---- reducing

TEST_F(SlotTest, results_are_folded_and_a_failed_task_splits_the_interval) {
  functions.add("number", [](std::uint64_t x) {
    if (x == 4) throw std::runtime_error("four");
    return x;
  });
  wire::Lease lease = items(10, "number");
  lease.reduce = "sum";
  const auto reports = run(lease);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_TRUE(reports[0].partial);
  EXPECT_EQ(reports[0].tasks, (wire::Intervals{{0, 4}, {5, 10}}));
  wire::BatchReader reader(reports[0].batch);
  EXPECT_EQ(integer(reader.next()), 0 + 1 + 2 + 3);
  EXPECT_EQ(integer(reader.next()), 5 + 6 + 7 + 8 + 9);
  EXPECT_EQ(failed(reports).list(), (wire::Intervals{{4, 5}}));
}

TEST_F(SlotTest, partials_do_not_cross_the_borders_of_the_lease) {
  functions.add_range("count", [](Range r) { return r.size(); });
  const auto reports = run(range({{0, 10}, {10, 30}, {50, 60}}, "count", "sum"));
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].tasks, (wire::Intervals{{0, 10}, {10, 30}, {50, 60}}));
}

TEST_F(SlotTest, count_counts_tasks_not_quanta) {
  functions.add_range("anything", [](Range) { return "x"; });
  const auto reports = run(range({{0, 100'000}}, "anything", "count"));
  wire::BatchReader reader(reports.at(0).batch);
  EXPECT_EQ(integer(reader.next()), 100'000);
}

TEST_F(SlotTest, a_result_that_does_not_fit_the_reducer_fails_its_task) {
  functions.add_raw("rawnumber", [](Task& task, Output& out) { out.append(task.input()); });
  wire::Lease lease = items(3, "rawnumber");
  lease.reduce = "sum";
  EXPECT_EQ(failed(run(lease)).size(), 3u);
}

TEST_F(SlotTest, one_bad_task_of_a_range_is_found) {
  functions.add_range("picky", [](Range r) {
    if (r.begin <= 777 && 777 < r.end) throw std::runtime_error("777");
    return r.size();
  });
  const auto reports = run(range({{0, 100'000}}, "picky", "sum"));
  EXPECT_EQ(failed(reports).list(), (wire::Intervals{{777, 778}}));
  EXPECT_EQ(reports.at(0).tasks, (wire::Intervals{{0, 777}, {778, 100'000}}));
}

TEST_F(SlotTest, a_range_that_always_fails_is_not_called_for_each_task) {
  std::atomic<int> calls{0};
  functions.add_range("never", [&](Range) -> int {
    ++calls;
    throw std::runtime_error("never");
  });
  EXPECT_EQ(failed(run(range({{0, 1'000'000}}, "never", "sum"))).size(), 1'000'000u);
  EXPECT_LT(calls, 1000);
}

TEST_F(SlotTest, without_a_reducer_every_task_of_a_range_has_a_result) {
  functions.add_range("first", [](Range r) { return r.begin; });
  auto lease = range({{0, 50}}, "first", "");
  lease.base = 100;
  const auto all = results(run(lease));
  ASSERT_EQ(all.size(), 50u);
  EXPECT_EQ(integer(all.at(49)), 149);
}

TEST_F(SlotTest, merge_folds_from_left_to_right) {
  functions.add_reducer("join", [](std::string a, std::string b) { return a + b; });
  std::vector<Bytes> letters;
  for (char c = 'a'; c <= 'g'; ++c) letters.push_back(to_value(std::string(1, c)));
  const auto reports = run(fold(wire::LeaseKind::merge, "join", {0, 70}, letters));
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].tasks, (wire::Intervals{{0, 70}}));
  EXPECT_EQ(from_value<std::string>(reports[0].batch.bytes.view()), "abcdefg");
}

TEST_F(SlotTest, a_failed_merge_blames_one_task) {
  functions.add_reducer("bad", [](int, int) -> int { throw std::runtime_error("no"); });
  const auto reports =
      run(fold(wire::LeaseKind::merge, "bad", {5, 70}, {to_value(1), to_value(2)}));
  EXPECT_EQ(errors(reports),
            (std::vector<TaskError>{{5, 1, ErrorCode::failed, "reducer 'bad' failed: no"}}));
}

TEST_F(SlotTest, finish_runs_the_finishing_step) {
  const auto divide = [](BytesView reduced, std::uint64_t total) {
    return to_value(from_value<double>(reduced) / static_cast<double>(total));
  };
  functions.add_range("share", [](Range r) { return r.size(); },
                      {.reduce = "sum", .rate = 0, .finish = divide});
  wire::Lease lease = fold(wire::LeaseKind::finish, "share", {0, 8}, {to_value(4)});
  lease.total = 8;
  EXPECT_EQ(from_value<double>(run(lease).at(0).batch.bytes.view()), 0.5);
}

// ---- changes during a run

TEST_F(SlotTest, a_cut_during_a_run_loses_and_repeats_no_task) {
  std::atomic<std::uint64_t> ran{0};
  functions.add_raw("step", [&](Task& task, Output& out) {
    ++ran;
    out.append(task.input());
  });
  const std::uint64_t count = 60'000;
  auto run = start(items(count, "step"));
  wire::IntervalSet cut;
  // As a broker does: many small cuts while the slot works from the other end.
  for (std::uint64_t taken = 1; taken > 0;) {
    taken = 0;
    for (const auto& tasks : run->cursor.cut(97)) taken += cut.add(tasks);
  }
  const auto reports = finish();
  const auto all = results(reports);
  EXPECT_EQ(ran, all.size());
  EXPECT_EQ(all.size() + cut.size(), count);
  for (const auto& [i, bytes] : all) EXPECT_FALSE(cut.contains(i));
}

TEST_F(SlotTest, an_ended_run_reports_the_tasks_it_ran) {
  Gate gate;
  functions.add_raw("wait", [&](Task& task, Output& out) {
    if (task.index() == 2) gate.pass();
    out.append("x");
  });
  auto run = start(items(1000, "wait"));
  gate.await_arrival();
  run->cursor.close();
  run->hurry();  // claimed tasks that have not started must not run either
  gate.open();
  EXPECT_LT(results(finish()).size(), 1000u);
}

TEST_F(SlotTest, a_hurried_slot_returns_the_tasks_it_has_not_started) {
  Gate gate;
  functions.add_raw("slow", [&](Task& task, Output& out) {
    if (task.index() == 50'000) gate.pass();
    out.append("x");
  });
  auto run = start(items(65'000, "slow"));
  gate.await_arrival();
  run->hurry();
  // Everything behind the running task can be cut once the slot has noticed, claimed or not.
  gate.open();
  const auto reports = finish();
  EXPECT_EQ(results(reports).size(), 65'000u);
}

TEST_F(SlotTest, a_cancelled_run_reports_nothing_and_the_function_sees_it) {
  Gate gate;
  std::atomic<bool> saw{false};
  functions.add_raw("look", [&](Task& task, Output&) {
    gate.pass();
    saw = task.cancelled();
  });
  auto run = start(items(10, "look"));
  gate.await_arrival();
  run->cancel();
  gate.open();
  EXPECT_TRUE(finish().empty());
  EXPECT_TRUE(saw);
}

TEST_F(SlotTest, a_cancelled_run_wakes_from_the_sleep_of_the_throttle) {
  std::atomic<bool> ran{false};
  functions.add_raw("spin", [&](Task&, Output&) {
    const auto until = Clock::now() + 20ms;
    while (Clock::now() < until) {
    }
    ran = true;
    ran.notify_all();
  });
  auto run = start(items(1, "spin"), 0.0001);  // the throttle would sleep for 200 s
  ran.wait(false);
  run->cancel();
  EXPECT_TRUE(finish().empty());
}

TEST_F(SlotTest, a_fenced_call_is_reported_by_the_link_and_its_output_is_dropped) {
  Gate gate;
  functions.add_raw("hang", [&](Task& task, Output& out) {
    if (task.index() == 2) gate.pass();
    out.append("done");
  });
  wire::Lease lease = items(5, "hang");
  lease.timeout_ms = 1;
  auto run = start(lease);
  gate.await_arrival();
  std::optional<wire::Interval> fenced;
  while (!fenced) fenced = run->fence_overdue(Clock::now());
  EXPECT_EQ(*fenced, (wire::Interval{2, 3}));
  EXPECT_TRUE(run->cancelled());
  const auto taken = run->harvest.take(true, 0);  // the link owns the harvest now
  gate.open();
  // A slow machine may have reported the first tasks before.
  auto reports = finish();
  reports.insert(reports.end(), taken.begin(), taken.end());
  const auto all = results(reports);
  EXPECT_EQ(all.size(), 2u);
  EXPECT_EQ(all.at(1), "done");
}

TEST_F(SlotTest, a_slot_is_not_fenced_before_its_time_limit_or_between_calls) {
  functions.add_raw("quick", [](Task&, Output& out) { out.append("x"); });
  wire::Lease lease = items(1000, "quick");
  lease.timeout_ms = 60'000;
  auto run = start(lease);
  EXPECT_FALSE(run->fence_overdue(Clock::now()));
  EXPECT_EQ(results(finish()).size(), 1000u);
  EXPECT_FALSE(run->fence_overdue(Clock::now() + 1h));
}

TEST_F(SlotTest, busy_time_includes_the_throttle) {
  functions.add_raw("spin", [&](Task&, Output&) {
    const auto until = Clock::now() + 5ms;
    while (Clock::now() < until) {
    }
  });
  start(items(4, "spin"), 0.25);
  std::uint64_t busy_us = 0;
  for (const auto& report : finish()) busy_us += report.busy_us;
  EXPECT_GE(busy_us, 4u * 4 * 5000 * 9 / 10);
}

}  // namespace
}  // namespace quern::worker
