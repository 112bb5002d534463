// Common inputs of jobs, each received once and shared by all leases of its job until the broker
// sends FORGET.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "wire/messages.hpp"

namespace quern::worker {

using Metadata = std::map<std::string, std::string>;

/// What all tasks of a job share: the bytes (possibly none), and the job's metadata (null: none).
struct CommonInput {
  wire::Buffer bytes;
  std::shared_ptr<const Metadata> metadata;
};

class Commons {
 public:
  void put(const Uuid& job, wire::Buffer bytes, Metadata metadata = {}) {
    held_[job] = {std::move(bytes), metadata.empty()
                                        ? nullptr
                                        : std::make_shared<const Metadata>(std::move(metadata))};
  }
  void forget(const std::vector<Uuid>& jobs) {
    for (const auto& job : jobs) held_.erase(job);
  }
  /// A new session sends what it needs again, and a FORGET may have been lost with the old one.
  void keep_only(const std::unordered_set<Uuid>& jobs) {
    std::erase_if(held_, [&](const auto& entry) { return !jobs.contains(entry.first); });
  }
  std::optional<CommonInput> find(const Uuid& job) const {
    const auto at = held_.find(job);
    return at == held_.end() ? std::nullopt : std::optional(at->second);
  }
  std::size_t size() const { return held_.size(); }

 private:
  std::unordered_map<Uuid, CommonInput> held_;
};

}  // namespace quern::worker
