// Decides who gets the next lease: the jobs in their turn (fair_queue.hpp), on the worker that the
// plan (planner.hpp) or the choice of a worker (worker_choice.hpp) names. grants.hpp makes the
// lease.
#pragma once

#include "broker/core/base/context.hpp"
#include "broker/core/jobs/eviction.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/jobs/journal.hpp"
#include "broker/core/scheduling/fair_queue.hpp"
#include "broker/core/scheduling/grants.hpp"
#include "broker/core/scheduling/plan_book.hpp"
#include "broker/core/scheduling/planner.hpp"
#include "broker/core/scheduling/pools.hpp"
#include "broker/core/scheduling/round.hpp"
#include "broker/core/scheduling/tail.hpp"
#include "broker/core/scheduling/worker_choice.hpp"

namespace quern::broker {

class Dispatcher {
 public:
  Dispatcher(Context& context, Jobs& jobs, Eviction& eviction, Journal& journal, FairQueue& queue,
             Round& round, PlanBook& plans, Pools& pools, Grants& grants, Planner& planner,
             Tail& tail, WorkerChoice& choice)
      : context_(context),
        jobs_(jobs),
        eviction_(eviction),
        journal_(journal),
        queue_(queue),
        round_(round),
        plans_(plans),
        pools_(pools),
        grants_(grants),
        planner_(planner),
        tail_(tail),
        choice_(choice) {}

  /// Grants leases until no worker has room, nothing waits, or the budget of one settle() is used
  /// up.
  void dispatch(Time now);

 private:
  void reorder(Job& job);
  /// Whether a worker with room can run anything that waits. Also true when finding out would take
  /// too long.
  bool room_for_any();
  /// Grants leases of this priority while a worker has room. Returns whether a worker that still
  /// has room left a job to others.
  bool serve(Level& level, bool choosy, Time now);
  bool dispatch_job(Job& job, bool choosy, Time now);

  Context& context_;
  Jobs& jobs_;
  Eviction& eviction_;
  Journal& journal_;
  FairQueue& queue_;
  Round& round_;
  PlanBook& plans_;
  Pools& pools_;
  Grants& grants_;
  Planner& planner_;
  Tail& tail_;
  WorkerChoice& choice_;
};

}  // namespace quern::broker
