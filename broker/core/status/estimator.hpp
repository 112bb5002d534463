// When a job should end. The remaining work, in slot time, is compared with what the job can get:
// all its workers if nobody else wants them; otherwise what it has received recently; otherwise its
// expected share as other jobs end.
#pragma once

#include "broker/core/jobs/jobs.hpp"
#include "broker/core/scheduling/fair_queue.hpp"
#include "broker/core/scheduling/plan_book.hpp"
#include "broker/core/workers/workers.hpp"

namespace quern::broker {

struct Estimate {
  double left_s = -1;     ///< negative: unknown
  double error_s = -1;    ///< plus or minus
  bool measured = false;  ///< based on what it has received recently; otherwise on the workers'
                          ///< rates
};

class Estimator {
 public:
  Estimator(Workers& workers, Jobs& jobs, FairQueue& queue, PlanBook& plans)
      : workers_(workers), jobs_(jobs), queue_(queue), plans_(plans) {}

  /// `exact`: examines all leases of its workers.
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
