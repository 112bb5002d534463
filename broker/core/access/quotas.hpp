// How much each principal may use in the broker, how much it uses, and how fast it submits.
//
// Owns the usage of all principals, by name. jobs/accounts.hpp keeps the usage up to date.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "broker/core/access/principal.hpp"
#include "broker/core/base/budget.hpp"
#include "broker/core/base/refusal.hpp"

namespace quern::broker {

class Quotas {
 public:
  /// The principals of all keys, by name.
  void set_limits(const std::map<std::string, const Principal*>& by_name);

  /// Why this principal may not have this much more; nothing if it may.
  std::optional<Refusal> over(const std::string& name, std::uint64_t tasks, std::uint64_t bytes,
                              std::uint64_t jobs, wire::Time now);
  /// How many bytes may be held for this principal; nothing: any number.
  std::optional<std::uint64_t> bytes_of(const std::string& name) const {
    const auto found = limited_.find(name);
    return found == limited_.end() ? std::nullopt : found->second.max_bytes;
  }
  /// The principal has submitted this many tasks, which count against its rate.
  void charge(const std::string& name, std::uint64_t tasks, wire::Time now);
  /// How many more bytes one of its streams may send, if a task takes `task_bytes`.
  std::uint64_t room(const std::string& name, std::uint64_t task_bytes, wire::Time now);

  /// What this principal uses. The reference stays valid.
  Usage& usage_of(const std::string& name) { return usage_[name]; }
  const std::unordered_map<std::string, Usage>& usage() const { return usage_; }

 private:
  static Allowance pace_of(const Principal& principal);

  std::unordered_map<std::string, Principal>
      limited_;  ///< those with quotas, by name (with several keys: the first)
  std::unordered_map<std::string, Usage> usage_;
  std::unordered_map<std::string, Budget> handed_in_;  ///< tasks, of principals with a rate limit
};

}  // namespace quern::broker
