// Every lease the worker still knows about: from its LEASE until the broker has acknowledged its
// last report. Provides the list of held leases for HELLO. Invariant: a lease is queued, on exactly
// one slot, or finished with reports in the outbox.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_set>
#include <variant>
#include <vector>

#include "wire/messages.hpp"
#include "worker/core/config.hpp"

namespace quern::worker {

struct Queued {};
struct Running {
  SlotId slot{};
};
struct Reported {};  ///< its last report is in the outbox

struct HeldLease {
  Uuid job;
  std::string function;
  wire::LeaseKind kind{};
  std::uint32_t attempt = 1;
  wire::IntervalSet
      open;  ///< tasks of it that the broker does not know to be reported or reclaimed
  std::variant<Queued, Running, Reported> state;
};

class LeaseBook {
 public:
  /// False if a lease with this id is already known.
  bool add(const wire::Lease& lease);
  HeldLease* find(const wire::LeaseId& id);
  const HeldLease* find(const wire::LeaseId& id) const;
  void erase(const wire::LeaseId& id) { held_.erase(id); }
  bool runs_on(const wire::LeaseId& id, SlotId slot) const;

  bool empty() const { return held_.empty(); }
  std::size_t size() const { return held_.size(); }
  const std::map<wire::LeaseId, HeldLease>& held() const { return held_; }
  std::unordered_set<Uuid> jobs() const;

  /// The held leases for HELLO, in about `bytes_max` of header; finished and running leases first.
  /// Leases that do not fit are returned in `let_go`, for the caller to drop.
  std::vector<wire::HeldLease> list(std::uint64_t bytes_max,
                                    std::vector<wire::LeaseId>& let_go) const;

 private:
  std::map<wire::LeaseId, HeldLease> held_;
};

}  // namespace quern::worker
