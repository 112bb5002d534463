// Which worker is better at what. When several kinds of work wait, a worker does what it is good at
// in comparison with the others (its fitness). That has to be found out, and finding it out costs
// what a worker is bad at. So a first lease that takes longer than others took is probed: it shows
// at once that its worker is slower. And a worker explores a function that it does not know early,
// but only where workers have shown that they differ in what they are good at, and while enough
// work is left.
//
// It owns the probes: which first lease is examined when.
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

  /// The worker's rate at the function of this job was measured.
  void learnt(Worker& worker, Job& job, FunctionRecord& record);
  /// Whether this worker leaves the job to others.
  bool better_elsewhere(const Job& job, const Pool::Member& member);
  bool leaves(const Job& job, const Pool::Member& member, const Outlook& outlook) const;
  Outlook outlook_of(const Worker& worker, const Level& level) const;
  /// The rate to assume where a wrong guess could not be made up for any more.
  double cautious_rate(const Pool& pool, const Pool::Member& member) const;

  /// This lease is the first of its function on its worker: it is probed from now on.
  void probe(const Lease& lease, Time when) { probes_.emplace(when, lease.id); }
  void probe_first_leases(Time now);
  std::optional<Time> next_probe() const;
  /// The lease ends: what its probes showed was no measurement.
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
  bool specialists_ = false;  ///< some worker is far better at one function than at another, in
                              ///< comparison with the others
  std::multimap<Time, wire::LeaseId> probes_;  ///< by when they are due
};

}  // namespace quern::broker
