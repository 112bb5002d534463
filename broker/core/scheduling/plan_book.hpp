// The plan that is followed, and whether it is still valid.
//
// Owns the plan (plan_in_use.hpp) and the numbers of planned tasks in the jobs. Planner makes the
// plans.
#pragma once

#include <vector>

#include "broker/core/base/context.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/scheduling/fair_queue.hpp"
#include "broker/core/scheduling/plan_in_use.hpp"
#include "broker/core/scheduling/pool.hpp"
#include "broker/core/workers/workers.hpp"

namespace quern::broker {

class PlanBook {
 public:
  PlanBook(Workers& workers, Jobs& jobs, FairQueue& queue)
      : workers_(workers), jobs_(jobs), queue_(queue) {}

  PlanInUse& plan() { return plan_; }
  const PlanInUse& plan() const { return plan_; }

  /// Whether the tasks of this job are few, long and of known duration.
  static bool worth_planning(const Job& job);
  /// The job has new pending tasks, or its rates have become known.
  void on_changed(const Job& job);
  /// Workers joined, left or changed after the plan was made.
  void make_stale() { plan_.stale = true; }
  /// Discards the whole plan.
  void drop();
  /// Discards what is planned for this worker.
  void drop(const Worker& worker);
  /// This task was taken out of the plan.
  void unplan(const PlanInUse::Row& row);

  /// When each slot of the worker will be free, in seconds from now.
  static std::vector<double> slots_ready(const Worker& worker, Time now);
  /// When the worker will have finished what it holds and what is planned for it, in seconds from
  /// now; the mean of its slots.
  double planned_end_s(wire::SessionId worker, Time now) const;

 private:
  Workers& workers_;
  Jobs& jobs_;
  FairQueue& queue_;
  PlanInUse plan_;
};

}  // namespace quern::broker
