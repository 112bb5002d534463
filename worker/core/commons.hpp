// Common inputs of jobs, each received once and shared by all leases of its job until the broker
// sends FORGET.
#pragma once

#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "wire/messages.hpp"

namespace quern::worker {

class Commons {
 public:
  void put(const Uuid& job, wire::Buffer bytes) { held_[job] = std::move(bytes); }
  void forget(const std::vector<Uuid>& jobs) {
    for (const auto& job : jobs) held_.erase(job);
  }
  /// A new session sends what it needs again, and a FORGET may have been lost with the old one.
  void keep_only(const std::unordered_set<Uuid>& jobs) {
    std::erase_if(held_, [&](const auto& entry) { return !jobs.contains(entry.first); });
  }
  std::optional<wire::Buffer> find(const Uuid& job) const {
    const auto at = held_.find(job);
    return at == held_.end() ? std::nullopt : std::optional(at->second);
  }
  std::size_t size() const { return held_.size(); }

 private:
  std::unordered_map<Uuid, wire::Buffer> held_;
};

}  // namespace quern::worker
