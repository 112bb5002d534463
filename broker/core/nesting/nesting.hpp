// Jobs that tasks have submitted end with what submitted them: with the attempt of the task, until
// it has a result, and with the job of the task in any case.
#pragma once

#include <string>

#include "broker/core/base/context.hpp"
#include "broker/core/endings/endings.hpp"
#include "broker/core/jobs/families.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/scheduling/fair_queue.hpp"
#include "broker/core/workers/leases.hpp"

namespace quern::broker {

class Nesting {
 public:
  Nesting(Context& context, Leases& leases, Jobs& jobs, Families& families, FairQueue& queue,
          Endings& endings)
      : context_(context),
        leases_(leases),
        jobs_(jobs),
        families_(families),
        queue_(queue),
        endings_(endings) {}

  /// The job has changed: its children may have to end, or it has to end itself, or it is no longer
  /// an unfinished child.
  void examine(Job& job, Time now);

 private:
  /// Whether the attempt that submitted a child still runs, or may still run.
  bool may_run(const Job& parent, const wire::LeaseId& lease, std::uint64_t task) const;
  void examine_child(Job& child, Time now);
  void examine_children(Job& parent, Time now);
  void forget_waits(Job& parent);
  void cancel(JobNumber child, const std::string& why, Time now);

  Context& context_;
  Leases& leases_;
  Jobs& jobs_;
  Families& families_;
  FairQueue& queue_;
  Endings& endings_;
};

}  // namespace quern::broker
