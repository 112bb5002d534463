// Group commit: which changes a commit contains, and which messages wait for it.
#include "broker/core/durability/commit_log.hpp"

#include <gtest/gtest.h>

#include "broker/core/durability/job_numbers.hpp"

namespace quern::broker {
namespace {

class CommitLogTest : public ::testing::Test {
 protected:
  CommitLog log;
  std::vector<std::uint64_t> written;

  /// The sequence number of the commit that begins now; 0 if none does.
  std::uint64_t begin() {
    Effects effects;
    log.begin(effects, [&](JobNumber job) {
      written.push_back(value(job));
      log.add(DropJob{job});
    });
    if (effects.empty()) return 0;
    return std::get<Commit>(effects.at(0)).sequence;
  }
  static Send to(std::uint64_t peer) { return {PeerId{peer}, {}, wire::Beat{}}; }
  static std::vector<std::uint64_t> peers(const std::vector<Send>& messages) {
    std::vector<std::uint64_t> out;
    for (const Send& message : messages) out.push_back(static_cast<std::uint64_t>(message.peer));
    return out;
  }
};

TEST_F(CommitLogTest, no_commit_begins_without_changes) {
  EXPECT_TRUE(log.is_idle());
  EXPECT_EQ(begin(), 0u);
  EXPECT_EQ(log.latest(), log.committed());
}

TEST_F(CommitLogTest, changes_during_a_commit_go_into_the_next_one) {
  log.add(DropJob{JobNumber{1}});
  const std::uint64_t first = log.next();
  EXPECT_EQ(begin(), first);
  log.add(DropJob{JobNumber{2}});
  EXPECT_EQ(log.next(), first + 1);
  EXPECT_EQ(begin(), 0u) << "one commit at a time";
  EXPECT_FALSE(log.is_idle());
  log.on_committed(first);
  EXPECT_EQ(log.committed(), first);
  EXPECT_EQ(begin(), first + 1);
}

TEST_F(CommitLogTest,
       the_progress_of_a_job_is_written_once_per_commit_unless_the_job_is_forgotten) {
  for (int i = 0; i < 3; ++i) log.save(JobNumber{7});
  log.save(JobNumber{8});
  log.forget(JobNumber{8});
  EXPECT_NE(begin(), 0u);
  EXPECT_EQ(written, std::vector<std::uint64_t>{7});
}

TEST_F(CommitLogTest, messages_wait_for_their_commit_and_keep_their_order) {
  log.add(DropJob{JobNumber{1}});
  const std::uint64_t first = begin();
  log.hold(first, to(1));
  log.hold(first + 1, to(3));
  log.hold(first, to(2));
  EXPECT_EQ(peers(log.on_committed(first)), (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(peers(log.on_committed(first + 1)), (std::vector<std::uint64_t>{3}));
}

TEST(JobNumbersTest, a_block_is_reserved_before_its_first_number_is_used) {
  JobNumbers numbers;
  const auto below = numbers.reserve();
  ASSERT_TRUE(below);
  for (std::uint64_t n = 1; n < *below; ++n) {
    EXPECT_FALSE(n > 1 && numbers.reserve()) << n;
    EXPECT_EQ(value(numbers.take()), n);
  }
  EXPECT_TRUE(numbers.reserve());
}

TEST(JobNumbersTest, no_number_is_used_twice_after_a_restart) {
  JobNumbers numbers;
  numbers.begin_at(1001);
  EXPECT_EQ(numbers.reserve(), 2001u);
  EXPECT_EQ(value(numbers.take()), 1001u);
  EXPECT_TRUE(numbers.was_given_before(JobNumber{1000}));
  EXPECT_FALSE(numbers.was_given_before(JobNumber{1001}));
  EXPECT_TRUE(numbers.was_given(JobNumber{1001}));
  EXPECT_FALSE(numbers.was_given(JobNumber{1002}));
  EXPECT_FALSE(numbers.was_given(JobNumber{0}));
}

}  // namespace
}  // namespace quern::broker
