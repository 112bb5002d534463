// The chain of the audit log: every change of it is detected.
#include <gtest/gtest.h>

#include "keys/audit_line.hpp"
#include "keys/error.hpp"

namespace quern::keys {
namespace {

constexpr std::string_view kAuditKey = "a secret of at least sixteen";

std::vector<std::string> chain(std::size_t lines, std::string_view key = {},
                               AuditPosition* end = nullptr) {
  AuditPosition at;
  std::vector<std::string> log;
  for (std::size_t i = 0; i < lines; ++i)
    log.push_back(next_line(at,
                            {"2026-11-25T10:00:00Z", "lab", "10.0.0.7", "submit",
                             "job " + std::to_string(i), "allow", "role"},
                            key));
  if (end) *end = at;
  return log;
}

/// The number of the first line that does not verify; 0 if all do.
std::size_t broken_at(const std::vector<std::string>& log, std::string_view key = {}) {
  AuditPosition at;
  for (std::size_t i = 0; i < log.size(); ++i)
    if (continue_chain(at, log[i], key)) return i + 1;
  return 0;
}

TEST(AuditChain, an_unchanged_chain_verifies) {
  EXPECT_EQ(broken_at(chain(50)), 0u);
  EXPECT_EQ(broken_at(chain(50, kAuditKey), kAuditKey), 0u);
}

TEST(AuditChain, every_changed_byte_is_found_by_the_next_line_or_the_checkpoint) {
  AuditPosition end;
  const auto log = chain(3, {}, &end);
  for (std::size_t line = 0; line < log.size(); ++line) {
    for (std::size_t i = 0; i < log[line].size(); ++i) {
      auto changed = log;
      changed[line][i] = static_cast<char>(changed[line][i] ^ 1);
      AuditPosition at;
      bool seen = false;
      for (const auto& l : changed) seen = seen || continue_chain(at, l, {});
      EXPECT_TRUE(seen || at != end) << "line " << line << " byte " << i;
    }
  }
}

TEST(AuditChain, removed_inserted_and_reordered_lines_are_found) {
  const auto log = chain(6);
  auto removed = log;
  removed.erase(removed.begin() + 2);
  EXPECT_EQ(broken_at(removed), 3u);
  auto first = log;
  first.erase(first.begin());
  EXPECT_EQ(broken_at(first), 1u);
  auto twice = log;
  twice.insert(twice.begin() + 3, log[2]);
  EXPECT_EQ(broken_at(twice), 4u);
  auto swapped = log;
  std::swap(swapped[1], swapped[2]);
  EXPECT_EQ(broken_at(swapped), 2u);
}

TEST(AuditChain, the_chain_cannot_be_continued_without_the_secret) {
  AuditPosition at;
  const AuditEntry entry{"t", "p", "a", "act", "o", "allow", "r"};
  auto log = chain(2, kAuditKey, &at);
  log.push_back(next_line(at, entry, "another secret, 16 bytes"));
  log.push_back(next_line(at, entry, "another secret, 16 bytes"));
  EXPECT_EQ(broken_at(log, kAuditKey), 4u);
}

TEST(AuditLine, text_cannot_leave_its_field) {
  AuditPosition at;
  const std::string evil = "x\",\"decision\":\"allow\"}\n{\"prev\":\"\x01\xFF\\ \xC3\xA9";
  const std::string line = next_line(at, {"t", evil, "a", "submit", "o", "deny", "r"}, {});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(field_of(line, "principal"), evil);
  EXPECT_EQ(field_of(line, "decision"), "deny");
  EXPECT_EQ(field_of(line, "prev"), std::string(64, '0'));
  EXPECT_EQ(field_of(line, "nothing"), std::nullopt);
}

TEST(Checkpoint, a_checkpoint_survives_a_round_trip_and_depends_on_the_key) {
  AuditPosition end;
  chain(5, kAuditKey, &end);
  const std::string text = checkpoint_text(end, kAuditKey);
  EXPECT_EQ(checkpoint_of(text, kAuditKey), end);
  EXPECT_THROW(checkpoint_of(text, {}), KeyError);
  auto changed = text;
  changed[0] = '4';
  EXPECT_THROW(checkpoint_of(changed, kAuditKey), KeyError);
  EXPECT_THROW(checkpoint_of("", kAuditKey), KeyError);
  EXPECT_THROW(checkpoint_of("5 x y", kAuditKey), KeyError);
}

}  // namespace
}  // namespace quern::keys
