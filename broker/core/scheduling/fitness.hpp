// Which worker is better at what. When several kinds of work wait, a worker does what it is good at
// relative to the others (its fitness). Fitness has to be measured, and measuring a worker on a
// function that it is bad at is expensive. So a first lease that takes longer than it took others
// is probed: the probe shows at once that the worker is slower. And a worker explores an unknown
// function early, but only if workers have been seen to differ in what they are good at, and while
// enough work is left.
//
// Owns the probes: which first lease is examined when.
#pragma once

#include <map>
#include <optional>

#include "broker/core/base/context.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/scheduling/pools.hpp"
#include "broker/core/scheduling/round.hpp"
#include "broker/core/workers/leases.hpp"

namespace quern::broker {

class Fitness {
 public:
  Fitness(Context& context, Leases& leases, Jobs& jobs, Round& round, PlanBook& plans, Pools& pools)
      : context_(context),
        leases_(leases),
        jobs_(jobs),
        round_(round),
        plans_(plans),
        pools_(pools) {}

  /// The worker's rate for the function of this job has been measured.
  void learnt(Worker& worker, Job& job, FunctionRecord& record);
  /// Whether this worker leaves the job to others, because it is better at something else.
  bool better_elsewhere(const Job& job, const Pool::Member& member);
  bool leaves(const Job& job, const Pool::Member& member, const Outlook& outlook) const;
  Outlook outlook_of(const Worker& worker, const Level& level) const;
  /// The rate to assume when a wrong guess could no longer be corrected.
  double cautious_rate(const Pool& pool, const Pool::Member& member) const;

  /// This lease is the first one of its function on its worker: from now on it is probed.
  void probe(const Lease& lease, Time when) { probes_.emplace(when, lease.id); }
  void probe_first_leases(Time now);
  std::optional<Time> next_probe() const;
  /// The lease ends: what its probes showed was not a measurement.
  void forget_probe(Lease& lease);

 private:
  static bool is_good_at(const Pool& pool, const Pool::Member& member);
  static bool is_behind(const Job& job);
  void note_specialist(const Worker& worker);

  Context& context_;
  Leases& leases_;
  Jobs& jobs_;
  Round& round_;
  PlanBook& plans_;
  Pools& pools_;
  bool specialists_ = false;  ///< some worker is far better at one function than at another,
                              ///< relative to the others
  std::multimap<Time, wire::LeaseId> probes_;  ///< by when they are due
};

}  // namespace quern::broker
