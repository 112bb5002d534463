// Pauses jobs and lets them go on. A paused job gets no more leases; nothing else about it changes.
#pragma once

#include "broker/core/base/context.hpp"
#include "broker/core/jobs/job_changes.hpp"
#include "broker/core/scheduling/plan_book.hpp"

namespace quern::broker {

class Pausing {
 public:
  Pausing(Context& context, JobChanges& changes, PlanBook& plans)
      : context_(context), changes_(changes), plans_(plans) {}

  /// The job must not be final.
  void pause(Job& job);
  void resume(Job& job);

 private:
  Context& context_;
  JobChanges& changes_;
  PlanBook& plans_;
};

}  // namespace quern::broker
