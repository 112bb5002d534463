// Rooms of the worker's core, each alone: slots and the shelf of blobs.
#include <gtest/gtest.h>

#include "worker/core/blob_shelf.hpp"
#include "worker/core/slots.hpp"

namespace quern::worker {
namespace {

using namespace std::chrono_literals;

Time at(std::chrono::milliseconds since) { return Time{} + since; }

wire::LeaseId lease(std::uint64_t number) { return wire::LeaseId{1, number}; }

Capacity counted(const Slots& slots) {
  Capacity capacity;
  slots.count(capacity);
  return capacity;
}

TEST(Slots, give_the_first_idle_one_until_all_are_taken) {
  Slots slots(2);
  EXPECT_EQ(slots.idle(), SlotId{0});
  slots.start(SlotId{0}, lease(7));
  EXPECT_EQ(slots.idle(), SlotId{1});
  slots.start(SlotId{1}, lease(8));
  EXPECT_FALSE(slots.idle());
  ASSERT_TRUE(slots.lease(SlotId{1}));
  EXPECT_EQ(*slots.lease(SlotId{1}), lease(8));
  EXPECT_EQ(counted(slots).busy, 2u);
}

TEST(Slots, a_slot_whose_lease_is_over_is_not_idle_before_its_thread_returns) {
  Slots slots(1);
  slots.start(SlotId{0}, lease(7));
  slots.end(SlotId{0}, false, at(0ms));
  EXPECT_FALSE(slots.idle());
  EXPECT_FALSE(slots.lease(SlotId{0}));
  EXPECT_FALSE(slots.release(SlotId{0})) << "it was not stuck";
  EXPECT_TRUE(slots.idle());
}

TEST(Slots, a_thread_that_does_not_return_is_stuck_after_a_tenth_of_a_second) {
  Slots slots(2);
  slots.start(SlotId{0}, lease(7));
  slots.end(SlotId{0}, false, at(0ms));
  EXPECT_EQ(slots.deadline(), at(100ms));
  EXPECT_FALSE(slots.on_tick(at(99ms)));
  EXPECT_TRUE(slots.on_tick(at(100ms)));
  EXPECT_EQ(counted(slots).stuck, 1u);
  EXPECT_FALSE(slots.all_stuck()) << "the other one is idle";
  EXPECT_TRUE(slots.release(SlotId{0}));
  EXPECT_EQ(counted(slots).stuck, 0u);
}

TEST(Slots, stuck_ones_are_told_at_most_ten_times_a_second_and_none_is_forgotten) {
  Slots slots(1);
  EXPECT_TRUE(slots.may_tell(at(0ms)));
  EXPECT_FALSE(slots.may_tell(at(40ms)));
  EXPECT_EQ(slots.deadline(), at(100ms));
  EXPECT_TRUE(slots.on_tick(at(100ms)));
  EXPECT_TRUE(slots.may_tell(at(100ms)));
  EXPECT_FALSE(slots.on_tick(at(200ms)));
  EXPECT_FALSE(slots.deadline());
}

TEST(BlobShelf, shrinks_by_the_least_recently_used_that_nobody_needs) {
  BlobShelf shelf;
  for (const char* name : {"a", "b", "c"}) shelf.add(name, 10);
  EXPECT_TRUE(shelf.use("a"));
  EXPECT_FALSE(shelf.use("x"));
  const auto needed = [](const std::string& name) { return name == "b"; };
  EXPECT_EQ(shelf.shrink(30, needed), std::vector<std::string>{});
  EXPECT_EQ(shelf.shrink(20, needed), std::vector<std::string>{"c"});
  EXPECT_EQ(shelf.shrink(0, needed), std::vector<std::string>{"a"});
  EXPECT_TRUE(shelf.has("b"));
  EXPECT_EQ(shelf.size(), 1u);
}

TEST(BlobShelf, a_removed_blob_does_not_count) {
  BlobShelf shelf;
  shelf.add("a", 10);
  shelf.add("b", 10);
  EXPECT_TRUE(shelf.remove("a"));
  EXPECT_FALSE(shelf.remove("a"));
  EXPECT_EQ(shelf.shrink(10, [](const std::string&) { return false; }), std::vector<std::string>{});
}

}  // namespace
}  // namespace quern::worker
