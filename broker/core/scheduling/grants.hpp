// Makes leases: takes pending tasks, chooses the size, and sends them.
#pragma once

#include "broker/core/base/context.hpp"
#include "broker/core/jobs/job_changes.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/jobs/journal.hpp"
#include "broker/core/scheduling/fair_queue.hpp"
#include "broker/core/scheduling/fitness.hpp"
#include "broker/core/scheduling/pools.hpp"
#include "broker/core/scheduling/round.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/workers/leases.hpp"

namespace quern::broker {

class Grants {
 public:
  Grants(Context& context, Outbox& outbox, Leases& leases, Jobs& jobs, Journal& journal,
         JobChanges& changes, FairQueue& queue, Round& round, Pools& pools, Fitness& fitness)
      : context_(context),
        outbox_(outbox),
        leases_(leases),
        jobs_(jobs),
        journal_(journal),
        changes_(changes),
        queue_(queue),
        round_(round),
        pools_(pools),
        fitness_(fitness) {}

  /// Grants the worker as much of the job as its measured rate allows. The job must have pending
  /// tasks, with their payloads in memory.
  void grant_tasks(Job& job, const Pool::Member& member, Time now);
  /// Grants these tasks, which are no longer pending. `attempt`: the number of this attempt at each
  /// of them.
  Lease& send_tasks(Job& job, const Pool::Member& member, const wire::Intervals& tasks,
                    std::uint32_t attempt, Time now);
  /// Grants a merge of partials, or the finish step, if the job wants one and a worker has room.
  bool grant_merge(Job& job, Time now);

 private:
  wire::Intervals carve(Job& job, std::uint64_t size, std::uint64_t bytes_max);
  static std::uint64_t fitting_work(const Job& job, double work);
  Lease& grant(Job& job, Worker& worker, wire::Lease&& lease, double expected_s, Time now,
               bool first_of_worker = false);

  Context& context_;
  Outbox& outbox_;
  Leases& leases_;
  Jobs& jobs_;
  Journal& journal_;
  JobChanges& changes_;
  FairQueue& queue_;
  Round& round_;
  Pools& pools_;
  Fitness& fitness_;
};

}  // namespace quern::broker
