// Speculative attempts: a second lease for the tasks of an overdue lease, on another worker. The
// first report decides which of the two counts.
//
// Owns the list of speculative leases.
#pragma once

#include <set>

#include "broker/core/base/context.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/workers/leases.hpp"

namespace quern::broker {

class Attempts {
 public:
  Attempts(Leases& leases, Jobs& jobs) : leases_(leases), jobs_(jobs) {}

  const std::set<wire::LeaseId>& all() const { return speculative_; }
  /// Records that `copy` was granted for the tasks of `original`.
  void link(Lease& original, Lease& copy);
  /// Ends the rivalry of this lease: its tasks stay with the other one. The caller closes it.
  void unlink(Lease& lease);
  /// Does the same for a lease that ran in vain, and counts the time that it wasted.
  void leave_to_other(Lease& lease, Time now);

  /// Whether a task of the job may be started on this worker while it runs elsewhere.
  static bool may_run_beside(const Job& job, const Worker& worker);
  /// The slot time that speculative attempts of this job may still cost.
  double budget_s(const Job& job, Time now) const;

 private:
  Leases& leases_;
  Jobs& jobs_;
  std::set<wire::LeaseId> speculative_;
};

}  // namespace quern::broker
