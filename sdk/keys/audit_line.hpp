// The lines of the audit log: JSON, one per decision, each with the hash of the line before it.
// Pure but for the hash.
//
//   {"prev":"<64 hex>","n":17,"time":"2026-11-25T21:45:41.123456Z","principal":"lab3",
//    "address":"10.0.0.7","action":"submit","object":"job 5","decision":"allow","reason":"..."}
//
// `prev` is BLAKE2b-256 of the line before without its newline, keyed when the log has a secret; of
// the first line, 64 zeros. `n` counts from 1. After a rotation, the next file continues the chain:
// `prev` and `n` continue.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quern::keys {

struct AuditEntry {
  std::string time;       ///< UTC
  std::string principal;  ///< a name; for an unknown key, the key itself
  std::string address;
  std::string action;
  std::string object;
  std::string decision;  ///< allow or deny
  std::string reason;
  bool operator==(const AuditEntry&) const = default;
};

/// A position in the chain.
struct AuditPosition {
  std::uint64_t count = 0;
  std::string hash = std::string(64, '0');  ///< of the last line
  bool operator==(const AuditPosition&) const = default;
};

/// Formats the next line (without newline) and advances `at`. Bytes that are not UTF-8 are escaped.
std::string next_line(AuditPosition& at, const AuditEntry& entry, std::string_view key);

/// Checks that `line` continues the chain at `at`, and advances `at`; otherwise returns the
/// problem.
std::optional<std::string> continue_chain(AuditPosition& at, std::string_view line,
                                          std::string_view key);

/// The position that `line` continues, according to the line itself; nullopt if it is not a line of
/// a log.
std::optional<AuditPosition> position_before(std::string_view line);

/// A field of a line, unescaped; nullopt if it does not exist.
std::optional<std::string> field_of(std::string_view line, std::string_view name);

/// The checkpoint: a recorded position of the chain. One line, with a hash of its own.
std::string checkpoint_text(const AuditPosition& at, std::string_view key);
/// Throws KeyError if it is not a checkpoint, or was made with another key.
AuditPosition checkpoint_of(std::string_view text, std::string_view key);

}  // namespace quern::keys
