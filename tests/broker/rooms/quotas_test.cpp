// Quotas of principals: what is refused, and how much a stream may still send.
#include "broker/core/access/quotas.hpp"

#include <gtest/gtest.h>

#include "wire/limits.hpp"

namespace quern::broker {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kUnlimited = ~0ULL;

Principal alice() {
  Principal principal;
  principal.name = "alice";
  return principal;
}
Principal with_tasks(std::uint64_t most) {
  Principal principal = alice();
  principal.max_tasks = most;
  return principal;
}
Principal with_bytes(std::uint64_t most) {
  Principal principal = alice();
  principal.max_bytes = most;
  return principal;
}
Principal with_jobs(std::uint64_t most) {
  Principal principal = alice();
  principal.max_jobs = most;
  return principal;
}
Principal with_rate(double most) {
  Principal principal = alice();
  principal.max_rate = most;
  return principal;
}

class QuotasTest : public ::testing::Test {
 protected:
  wire::Time now = wire::Time{} + 1000s;
  Quotas quotas;

  void limit(const Principal& principal) { quotas.set_limits({{principal.name, &principal}}); }
};

TEST_F(QuotasTest, what_exceeds_a_quota_is_refused_with_the_limit) {
  struct Case {
    Principal principal;
    Usage used;
    Usage more;
    const char* refusal;  ///< a part of it; nullptr: none
  };
  const Case cases[] = {
      {alice(), {1'000'000, 1u << 30, 1000}, {1'000'000, 1u << 30, 1}, nullptr},
      {with_tasks(10), {6, 0, 1}, {4, 0, 1}, nullptr},
      {with_tasks(10), {6, 0, 1}, {5, 0, 1}, "alice may have 10 tasks at a time, 6 are in use"},
      {with_tasks(10), {0, 0, 0}, {11, 0, 1}, "submit it in parts"},
      {with_bytes(100), {1, 60, 1}, {1, 40, 0}, nullptr},
      {with_bytes(100), {1, 60, 1}, {1, 41, 0}, "alice may have 100 bytes at a time, 60"},
      {with_bytes(100), {1, 0, 1}, {1, 101, 0}, "submit it in parts"},
      {with_jobs(2), {1, 1, 1}, {1, 1, 1}, nullptr},
      {with_jobs(2), {1, 1, 2}, {1, 1, 1}, "alice may have 2 jobs at a time, 2 are in use"},
      {with_jobs(2), {1, 1, 2}, {1, 1, 0}, nullptr},
      {with_jobs(0), {0, 0, 0}, {1, 1, 1}, "submit it in parts"},
  };
  for (const Case& c : cases) {
    limit(c.principal);
    quotas.usage_of("alice") = c.used;
    const auto refusal = quotas.over("alice", c.more.tasks, c.more.bytes, c.more.jobs, now);
    const std::string text = refusal ? refusal->text : "";
    if (!c.refusal) {
      EXPECT_FALSE(refusal) << text;
      continue;
    }
    ASSERT_TRUE(refusal) << c.refusal;
    EXPECT_EQ(refusal->code, ErrorCode::queue_full);
    EXPECT_NE(text.find(c.refusal), std::string::npos) << text;
  }
}

TEST_F(QuotasTest, the_quota_of_one_principal_does_not_limit_others) {
  limit(with_tasks(1));
  EXPECT_TRUE(quotas.over("alice", 2, 0, 1, now));
  EXPECT_FALSE(quotas.over("bob", 2, 0, 1, now));
  EXPECT_EQ(quotas.room("bob", 1, now), kUnlimited);
}

TEST_F(QuotasTest, new_limits_replace_the_old_ones_and_keep_what_is_used) {
  limit(with_tasks(10));
  Usage& used = quotas.usage_of("alice");
  used = {6, 0, 1};
  for (int i = 0; i < 1000; ++i) quotas.usage_of("other" + std::to_string(i));
  EXPECT_EQ(&quotas.usage_of("alice"), &used);
  limit(with_tasks(5));
  EXPECT_TRUE(quotas.over("alice", 0, 0, 0, now));
  limit(alice());
  EXPECT_FALSE(quotas.over("alice", 1'000'000, 0, 1, now));
  EXPECT_EQ(used.tasks, 6u);
}

TEST_F(QuotasTest, a_new_job_waits_until_the_debt_of_its_principals_rate_is_paid) {
  limit(with_rate(10));
  EXPECT_FALSE(quotas.over("alice", 1000, 0, 1, now)) << "a burst of any size is accepted once";
  quotas.charge("alice", 1000, now);
  const auto refusal = quotas.over("alice", 1, 0, 1, now);
  ASSERT_TRUE(refusal);
  EXPECT_NE(refusal->text.find("10 tasks per second"), std::string::npos) << refusal->text;
  EXPECT_FALSE(quotas.over("alice", 1, 0, 0, now)) << "a stream may send what it has credit for";
  EXPECT_EQ(quotas.room("alice", 1, now), 0u) << "but it gets no more credit";
  now += 98s;
  EXPECT_TRUE(quotas.over("alice", 1, 0, 1, now));
  now += 1s;
  EXPECT_FALSE(quotas.over("alice", 1, 0, 1, now));
  EXPECT_EQ(quotas.room("alice", 1, now), kUnlimited);
}

TEST_F(QuotasTest, a_stream_gets_its_share_of_what_is_left) {
  struct Case {
    const char* what;
    Principal principal;
    Usage used;
    std::uint64_t room;  ///< if a task takes 5 bytes
  };
  constexpr std::uint64_t kWholeBatch = 5 * wire::kBatchBytesMax;
  const Case cases[] = {
      {"no limit", alice(), {1000, 1000, 1}, kUnlimited},
      {"a limit of jobs only", with_jobs(1), {1000, 1000, 1}, kUnlimited},
      {"bytes", with_bytes(100), {1, 40, 1}, 60},
      {"bytes for three jobs", with_bytes(100), {1, 40, 3}, 20},
      {"no bytes left", with_bytes(100), {1, 140, 1}, 0},
      {"tasks", with_tasks(10), {4, 0, 1}, 30},
      {"no tasks left", with_tasks(10), {14, 0, 1}, 0},
      {"nothing is queued that would make room", with_bytes(100), {0, 40, 1}, kWholeBatch},
      {"nothing is queued, but nothing is left", with_bytes(100), {0, 100, 1}, 0},
  };
  for (const Case& c : cases) {
    limit(c.principal);
    quotas.usage_of("alice") = c.used;
    EXPECT_EQ(quotas.room("alice", 5, now), c.room) << c.what;
  }
}

}  // namespace
}  // namespace quern::broker
