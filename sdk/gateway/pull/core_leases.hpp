// The leases of the broker that are held: from LEASE until the broker has acknowledged the last
// report. Invariant: each task of a lease is unpulled, locked by a client, ended (its result or
// error is collected or reported), or has left the lease.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "gateway/pull/core_types.hpp"

namespace quern::gateway::pull {

struct HeldLease {
  explicit HeldLease(wire::Lease lease);

  /// The tasks, which are neighbours, as they are granted to a client.
  Portion portion(wire::Interval tasks, std::optional<wire::Buffer> common) const;
  /// Cuts up to `want` unpulled tasks from the end; returns them, ascending.
  wire::Intervals cut(std::uint64_t want);
  /// Bytes of the payload of a task.
  std::uint64_t bytes_of(std::uint64_t task) const;
  /// Adds to the next report, on behalf of a batch. True if that batch was not named in it before.
  bool collect(std::uint64_t task, Bytes result, BatchId batch);
  bool collect(const TaskError& error, BatchId batch);
  bool has_news() const { return !results.empty() || !errors.empty(); }
  /// Whether nothing more will happen to its tasks.
  bool is_through() const { return unpulled.empty() && locked == 0; }
  /// The reports of what was collected, in the order in which they must be sent; the last one is
  /// the final one of the lease if it is through. None if there is nothing to say.
  std::vector<wire::Report> take_reports(Time now);

  const wire::Lease granted;
  wire::IntervalSet open;      ///< the broker does not know them to be reported or given back
  wire::IntervalSet unpulled;  ///< no client has them
  std::uint64_t locked = 0;    ///< tasks
  std::uint32_t next_part = 0;
  bool finished = false;             ///< its final report was made
  bool hands_back = false;           ///< a client released some of it: what is unpulled goes back
  std::vector<BatchId> batches{};    ///< that have, or had, tasks of it
  std::vector<BatchId> named{};      ///< batches that the next report is about
  Time idle_since{};                 ///< since when what is unpulled waits
  std::optional<Time> busy_since{};  ///< slot time that was not reported yet counts from here
  std::vector<std::pair<std::uint64_t, Bytes>> results{};
  std::vector<TaskError> errors{};

 private:
  /// Index of the payload of a task.
  std::uint64_t place_of(std::uint64_t task) const;
  bool name(BatchId batch);

  std::vector<std::uint64_t> offsets_{};  ///< of the payloads, unless they have one size
};

class LeaseBook {
 public:
  /// Null if the lease is known already.
  HeldLease* add(wire::Lease lease, Time now);
  HeldLease* find(const wire::LeaseId& id);
  void erase(const wire::LeaseId& id);
  /// Must be called when tasks of a lease were pulled or became unpulled.
  void note_unpulled(const wire::LeaseId& id);
  /// Leases with unpulled tasks, the oldest first.
  const std::set<wire::LeaseId>& with_unpulled() const { return with_unpulled_; }

  const std::map<wire::LeaseId, HeldLease>& all() const { return leases_; }
  bool empty() const { return leases_.empty(); }
  /// Clients have taken, or no longer have, that many tasks of the lease.
  void lock(HeldLease& lease, std::uint64_t tasks);
  void unlock(HeldLease& lease, std::uint64_t tasks);
  /// Leases of which a client has a task.
  std::uint32_t locked() const { return locked_; }
  /// For HELLO. Leases for which its header has no room are returned in `let_go`.
  std::vector<wire::HeldLease> list(std::vector<wire::LeaseId>& let_go) const;
  /// Tasks of a lease, on average over the last ones.
  double usual_size() const { return usual_size_; }

 private:
  std::map<wire::LeaseId, HeldLease> leases_;
  std::set<wire::LeaseId> with_unpulled_;
  std::uint32_t locked_ = 0;
  double usual_size_ = 1;
};

}  // namespace quern::gateway::pull
