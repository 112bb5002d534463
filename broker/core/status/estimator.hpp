// When a job should end. What is left of it, in slot time, against what it can get: all its workers
// when nobody else wants them; else what it got of late; else what its share will be as the others
// end.
#pragma once

#include "broker/core/jobs/jobs.hpp"
#include "broker/core/scheduling/fair_queue.hpp"
#include "broker/core/scheduling/plan_book.hpp"
#include "broker/core/workers/workers.hpp"

namespace quern::broker {

struct Estimate {
  double left_s = -1;     ///< below zero: not known
  double error_s = -1;    ///< give or take
  bool measured = false;  ///< from what it got of late; else from the workers' rates
};

class Estimator {
 public:
  Estimator(Workers& workers, Jobs& jobs, FairQueue& queue, PlanBook& plans)
      : workers_(workers), jobs_(jobs), queue_(queue), plans_(plans) {}

  /// `exact`: with a look at all leases of its workers.
  Estimate estimate(const Job& job, Time now, bool exact) const;

 private:
  /// Work that has not ended, in slot-seconds.
  static double left_s(const Job& job, Time now, bool exact);
  double planned_end_s(const Job& job, Time now) const;

  Workers& workers_;
  Jobs& jobs_;
  FairQueue& queue_;
  PlanBook& plans_;
};

}  // namespace quern::broker
