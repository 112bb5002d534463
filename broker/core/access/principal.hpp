// Who the peers are: authenticated keys with names, rights and limits. They are passed to the core
// from outside; the core reads no file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace quern::broker {

/// Bits. submit: submit jobs of its own. work: run leases. read: see workers and the broker, and
/// the jobs of others that `reads` names. admin: manage every job, and drain workers; it does not
/// include work.
enum class Right : std::uint8_t { submit = 1, work = 2, read = 4, admin = 8 };
inline constexpr std::uint8_t kAllRights = 15;

struct Principal {
  std::string name;  ///< jobs belong to names, so that a key can be replaced
  std::uint8_t rights = 0;
  std::vector<std::string> functions;  ///< patterns: functions that it may submit or offer; empty:
                                       ///< all
  std::vector<std::string> jobs;       ///< patterns: names that its jobs may have; empty: any
  std::vector<std::string> reads;      ///< patterns: names of others' jobs whose state it may see
  std::optional<std::uint64_t> max_tasks;    ///< tasks that have not ended, over all its jobs
  std::optional<std::uint64_t> max_bytes;    ///< of payloads and results held for it
  std::optional<std::uint64_t> max_jobs;     ///< jobs that are not final
  std::optional<double> max_rate;            ///< tasks submitted per second
  std::optional<std::int32_t> max_priority;  ///< absent: 0, or any for admin
  double weight = 1;  ///< of each of its jobs, multiplied by the job's own weight (which only admin
                      ///< may raise above 1)
  std::optional<std::int64_t> expires;  ///< in seconds since 1970; its key is then removed soon
  std::string terms;  ///< the rest of its line (addresses, expiry), for the record of changes

  bool is_limited() const { return max_tasks || max_bytes || max_jobs || max_rate; }
  bool may(Right right) const { return (rights & static_cast<std::uint8_t>(right)) != 0; }
  bool operator==(const Principal&) const = default;
};

/// By what the transport authenticated: a public key.
using Principals = std::map<std::string, Principal>;

/// What one principal (by name) uses in the broker.
struct Usage {
  std::uint64_t tasks = 0;
  std::uint64_t bytes = 0;
  std::uint64_t jobs = 0;
};

}  // namespace quern::broker
