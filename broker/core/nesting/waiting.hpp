// WAIT: a task waits for a job that it has submitted, and its lease gives back what it takes of the
// worker until it goes on. Without that, tasks could wait for each other's slots for ever.
#pragma once

#include "broker/core/base/context.hpp"
#include "broker/core/jobs/families.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/scheduling/fair_queue.hpp"
#include "broker/core/scheduling/pools.hpp"
#include "broker/core/sessions/conduct.hpp"
#include "broker/core/workers/leases.hpp"

namespace quern::broker {

class Waiting {
 public:
  Waiting(Context& context, Conduct& conduct, Leases& leases, Jobs& jobs, Families& families,
          FairQueue& queue, Pools& pools)
      : context_(context),
        conduct_(conduct),
        leases_(leases),
        jobs_(jobs),
        families_(families),
        queue_(queue),
        pools_(pools) {}

  void on_wait(Session& session, const wire::Wait& wait, Time now);

 private:
  void begin(Lease& lease, Job& job, JobNumber child, Time now);
  void end(Lease& lease, Job& job, Time now);
  void tell_pools(Job& job, Worker& worker, int resources);

  Context& context_;
  Conduct& conduct_;
  Leases& leases_;
  Jobs& jobs_;
  Families& families_;
  FairQueue& queue_;
  Pools& pools_;
};

}  // namespace quern::broker
