// Leases that wait for a slot: first in, first out, but merge and finish leases before all others,
// because a whole job waits for them. Invariant: each lease is in it once.
#pragma once

#include <algorithm>
#include <deque>
#include <optional>
#include <vector>

#include "wire/messages.hpp"

namespace quern::worker {

class LeaseQueue {
 public:
  void push(wire::Lease lease);
  /// The first that may run, if any.
  template <typename May>
  std::optional<wire::Lease> pop(May&& may) {
    for (auto* leases : {&urgent_, &ordinary_}) {
      const auto at = std::find_if(leases->begin(), leases->end(), may);
      if (at == leases->end()) continue;
      wire::Lease lease = std::move(*at);
      leases->erase(at);
      return lease;
    }
    return std::nullopt;
  }
  /// Removes and returns all leases of a job except the urgent ones, in order.
  std::vector<wire::Lease> take(const Uuid& job);
  /// Takes out the lease, wherever it is.
  std::optional<wire::Lease> remove(const wire::LeaseId& id);
  /// Cuts up to `want` tasks with their payloads from the end of a lease; returns them, ascending.
  /// A lease without remaining tasks leaves the queue.
  wire::Intervals cut(const wire::LeaseId& id, std::uint64_t want);
  /// Everything, in order; the queue is empty then.
  std::deque<wire::Lease> take_all();

  bool empty() const { return urgent_.empty() && ordinary_.empty(); }
  std::size_t size() const { return urgent_.size() + ordinary_.size(); }
  template <typename F>
  void for_each(F visit) const {
    for (const auto& lease : urgent_) visit(lease);
    for (const auto& lease : ordinary_) visit(lease);
  }

 private:
  std::deque<wire::Lease> urgent_;  // merge, finish
  std::deque<wire::Lease> ordinary_;
};

/// A whole job waits for it; it needs no files.
inline bool is_urgent(const wire::Lease& lease) {
  return lease.kind == wire::LeaseKind::merge || lease.kind == wire::LeaseKind::finish;
}

/// Whether there is one payload per task in it.
inline bool takes_payloads(const wire::Lease& lease) {
  return !lease.indexed &&
         (lease.kind == wire::LeaseKind::item || lease.kind == wire::LeaseKind::whole);
}

/// Cuts up to `want` indices from the end of an interval list; returns them, ascending.
wire::Intervals cut_back(wire::Intervals& tasks, std::uint64_t want);

}  // namespace quern::worker
