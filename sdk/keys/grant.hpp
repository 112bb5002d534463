// Who may do what: one line of authorized_keys as plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quern::keys {

/// submit: submit jobs, and follow, cancel, retry its own. work: run leases. read: see workers, the
/// broker, its own jobs. admin: manage all jobs, and drain workers.
enum class GrantRole : std::uint8_t { submit = 1, work = 2, read = 4, admin = 8 };

struct Grant {
  std::string name;
  std::string key;                     ///< public, 40 characters of Z85
  std::uint8_t roles = 0;              ///< GrantRole bits
  std::vector<std::string> functions;  ///< patterns: what it may submit, or serve; empty: all
  std::vector<std::string> jobs;       ///< patterns: names its jobs may have; empty: any
  std::vector<std::string>
      reads;  ///< patterns: names of others' jobs whose state it may see (read); empty: none
  std::vector<std::string> from;  ///< addresses or networks it may connect from; empty: any
  std::optional<std::uint64_t> max_tasks;  ///< queued at a time
  std::optional<std::uint64_t> max_bytes;  ///< of queued payloads at a time
  std::optional<std::uint64_t> max_jobs;   ///< unfinished at a time
  std::optional<double> max_rate;          ///< tasks submitted per second
  std::optional<std::int32_t> max_priority;
  double weight = 1;  ///< share of the workers against other principals, > 0
  std::optional<std::int64_t>
      expires;  ///< seconds of UTC since 1970; from then on the key is not accepted

  bool may(GrantRole role) const { return (roles & static_cast<std::uint8_t>(role)) != 0; }
  bool operator==(const Grant&) const = default;
};

/// "submit,read" as bits. Throws KeyError that lists the roles.
std::uint8_t roles_of(std::string_view words);
std::string role_words(std::uint8_t roles);

/// 1 to 64 of letters, digits and ". _ @ -", a letter or a digit first: safe in a file, as a file
/// name, in a shell and in a log line. Not `broker`, `operator` or `anonymous`, which have special
/// meanings in the audit log.
bool is_principal_name(std::string_view name);

/// "2027-01-31" (its end, UTC) or "2027-01-31T12:00:00Z" as seconds since 1970. Throws KeyError.
std::int64_t time_of(std::string_view text);

/// Whether `address` ("10.0.0.7", "::1") is `pattern` or within it ("10.0.0.0/24").
bool address_matches(std::string_view pattern, std::string_view address);
/// Whether one of `patterns` matches; without patterns everything does. An empty address (ipc)
/// counts as this machine: 127.0.0.1.
bool comes_from(const std::vector<std::string>& patterns, const std::string& address);

}  // namespace quern::keys
