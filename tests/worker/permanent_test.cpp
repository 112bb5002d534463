// What quern::Permanent and FailedWithOutput become for every kind of user code: functions of
// items, ranges and batches, reducers, merges and finishing steps.
#include <atomic>

#include "worker/slot_fixture.hpp"

namespace quern::worker {
namespace {

using Errors = std::vector<TaskError>;

TEST_F(SlotTest, a_permanent_failure_of_an_item_is_reported_as_permanent) {
  functions.add("item", [](int) -> int { throw Permanent("no use"); });
  EXPECT_EQ(errors(run(items(1, "item"))), (Errors{{0, 1, ErrorCode::permanent, "no use"}}));
}

TEST_F(SlotTest, a_permanent_failure_of_a_reduced_range_is_reported_as_permanent) {
  functions.add_range("picky", [](Range r) {
    if (r.begin <= 7 && 7 < r.end) throw Permanent("seven");
    return r.size();
  });
  EXPECT_EQ(errors(run(range({{0, 1000}}, "picky", "sum"))),
            (Errors{{7, 1, ErrorCode::permanent, "seven"}}));
}

TEST_F(SlotTest, a_permanent_failure_of_a_range_without_a_reducer_is_reported_as_permanent) {
  functions.add_range("picky", [](Range r) {
    if (r.begin == 2) throw Permanent("two");
    return r.size();
  });
  EXPECT_EQ(errors(run(range({{0, 5}}, "picky", ""))),
            (Errors{{2, 1, ErrorCode::permanent, "two"}}));
}

TEST_F(SlotTest, a_failed_range_without_a_reducer_keeps_its_output) {
  functions.add_range("writer",
                      [](Range) -> int { throw FailedWithOutput("no use", "half done", true); });
  const auto reports = run(range({{0, 1}}, "writer", ""));
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(errors(reports), (Errors{{0, 1, ErrorCode::permanent, "no use"}}));
  EXPECT_EQ(reports[0].written, (wire::Intervals{{0, 1}}));
  EXPECT_EQ(reports[0].batch.bytes.view(), "half done");
}

TEST_F(SlotTest, a_range_that_will_be_tried_again_does_not_send_its_output) {
  functions.add_range("writer", [](Range) -> int { throw FailedWithOutput("later", "half done"); });
  wire::Lease lease = range({{0, 1}}, "writer", "");
  lease.attempts = 3;
  const auto reports = run(lease);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(errors(reports), (Errors{{0, 1, ErrorCode::failed, "later"}}));
  EXPECT_TRUE(reports[0].written.empty());
}

TEST_F(SlotTest, a_permanent_failure_of_a_merge_is_reported_as_permanent) {
  functions.add_reducer("bad", [](int, int) -> int { throw Permanent("no"); });
  const auto reports =
      run(fold(wire::LeaseKind::merge, "bad", {5, 70}, {to_value(1), to_value(2)}));
  EXPECT_EQ(errors(reports), (Errors{{5, 1, ErrorCode::permanent, "reducer 'bad' failed: no"}}));
}

TEST_F(SlotTest, a_permanent_failure_of_a_merge_with_output_is_reported_as_permanent) {
  functions.add_reducer("bad",
                        [](int, int) -> int { throw FailedWithOutput("no", "output", true); });
  const auto reports =
      run(fold(wire::LeaseKind::merge, "bad", {5, 70}, {to_value(1), to_value(2)}));
  EXPECT_EQ(errors(reports), (Errors{{5, 1, ErrorCode::permanent, "reducer 'bad' failed: no"}}));
}

TEST_F(SlotTest, a_permanent_failure_of_a_finishing_step_is_reported_as_permanent) {
  const auto refuse = [](BytesView, std::uint64_t) -> Bytes { throw Permanent("no end"); };
  functions.add_range("share", [](Range r) { return r.size(); },
                      {.reduce = "sum", .rate = 0, .finish = refuse});
  const auto reports = run(fold(wire::LeaseKind::finish, "share", {0, 8}, {to_value(4)}));
  EXPECT_EQ(errors(reports), (Errors{{0, 1, ErrorCode::permanent, "no end"}}));
}

TEST_F(SlotTest, a_permanent_failure_of_a_reducer_inside_a_lease_is_reported_as_permanent) {
  functions.add("number", [](std::uint64_t x) { return x; });
  functions.add_reducer(
      "bad", [](std::uint64_t, std::uint64_t) -> std::uint64_t { throw Permanent("no"); });
  wire::Lease lease = items(2, "number");
  lease.reduce = "bad";
  EXPECT_EQ(errors(run(lease)), (Errors{{0, 2, ErrorCode::permanent, "reducer 'bad' failed: no"}}));
}

TEST_F(SlotTest, a_permanent_failure_at_the_last_fold_of_a_lease_is_reported_as_permanent) {
  functions.add("number", [](std::uint64_t x) { return x; });
  std::atomic<int> folds{0};
  functions.add_reducer("bad", [&](std::uint64_t a, std::uint64_t b) {
    if (++folds == 2) throw Permanent("no");  // 3 leaves: the second fold is the one of take()
    return a + b;
  });
  wire::Lease lease = items(3, "number");
  lease.reduce = "bad";
  EXPECT_EQ(errors(run(lease)), (Errors{{0, 3, ErrorCode::permanent, "reducer 'bad' failed: no"}}));
}

}  // namespace
}  // namespace quern::worker
