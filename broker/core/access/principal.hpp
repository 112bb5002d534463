// Who the peers are: authenticated keys with names, rights and limits. Told to the core from
// outside; it reads no file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace quern::broker {

/// Bits. submit: jobs of its own. work: run leases. read: see workers and the broker, and others'
/// jobs if `reads` says so. admin: everybody's jobs, and drain workers; never work.
enum class Right : std::uint8_t { submit = 1, work = 2, read = 4, admin = 8 };
inline constexpr std::uint8_t kAllRights = 15;

struct Principal {
  std::string name;  ///< jobs belong to names, so a key can be changed
  std::uint8_t rights = 0;
  std::vector<std::string> functions;  ///< patterns: what it may submit, or offer; empty: all
  std::vector<std::string> jobs;       ///< patterns: names its jobs may have; empty: any
  std::vector<std::string> reads;      ///< patterns: names of others' jobs whose state it may see
  std::optional<std::uint64_t> max_tasks;    ///< not ended, over all its jobs
  std::optional<std::uint64_t> max_bytes;    ///< of payloads and results held for it
  std::optional<std::uint64_t> max_jobs;     ///< not final
  std::optional<double> max_rate;            ///< tasks submitted per second
  std::optional<std::int32_t> max_priority;  ///< absent: 0, for admin any
  double weight = 1;  ///< of each of its jobs, multiplied with the job's own (which only admin may
                      ///< raise above 1)
  std::string terms;  ///< what else its line says (addresses, expiry), for the record of changes

  bool is_limited() const { return max_tasks || max_bytes || max_jobs || max_rate; }
  bool may(Right right) const { return (rights & static_cast<std::uint8_t>(right)) != 0; }
  bool operator==(const Principal&) const = default;
};

/// By what the transport authenticated: a public key.
using Principals = std::map<std::string, Principal>;

/// What one principal (by name) has in the broker, and how fast it hands in.
struct Usage {
  std::uint64_t tasks = 0;
  std::uint64_t bytes = 0;
  std::uint64_t jobs = 0;
};

}  // namespace quern::broker
