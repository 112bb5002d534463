// The leases that are out. Workers and jobs point to them, so the address of a lease never changes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <unordered_map>
#include <vector>

#include "broker/core/workers/lease.hpp"

namespace quern::broker {

class Leases {
 public:
  Lease* find(wire::LeaseId id) {
    const auto it = by_id_.find(id);
    return it == by_id_.end() ? nullptr : &it->second;
  }
  const Lease* find(wire::LeaseId id) const { return const_cast<Leases*>(this)->find(id); }
  Lease& at(wire::LeaseId id) { return by_id_.at(id); }
  const Lease& at(wire::LeaseId id) const { return by_id_.at(id); }
  const std::unordered_map<wire::LeaseId, Lease, LeaseIdHash>& all() const { return by_id_; }

  /// Returns a number that no lease of this incarnation has had.
  std::uint64_t next_number() { return ++last_; }
  std::uint64_t last_number() const { return last_; }
  Lease& add(wire::LeaseId id) {
    Lease& lease = by_id_[id];
    lease.id = id;
    return lease;
  }
  void remove(wire::LeaseId id) { by_id_.erase(id); }

  /// The leases of a job that has `count` of them, in the order in which they were granted.
  std::vector<Lease*> of(JobNumber job, std::size_t count) {
    std::vector<Lease*> out;
    for (auto it = by_id_.begin(); it != by_id_.end() && out.size() < count; ++it)
      if (it->second.job == job) out.push_back(&it->second);
    std::sort(out.begin(), out.end(), [](const Lease* a, const Lease* b) { return a->id < b->id; });
    return out;
  }
  std::vector<const Lease*> of(JobNumber job, std::size_t count) const {
    const auto leases = const_cast<Leases*>(this)->of(job, count);
    return {leases.begin(), leases.end()};
  }

 private:
  std::unordered_map<wire::LeaseId, Lease, LeaseIdHash> by_id_;
  std::uint64_t last_ = 0;
};

}  // namespace quern::broker
