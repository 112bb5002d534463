// Plans ahead. If the waiting tasks of the highest priority are few, long, of known duration and
// not all alike, earliest completion in the order of arrival is far from optimal. Then all of them
// are assigned to workers at once (plan.hpp). Everything else is handed out lease by lease
// (dispatcher.hpp): long queues, short tasks, tasks of unknown duration.
//
// A plan is made in slices, one per settle(); its tasks wait for it. A new plan is made when jobs
// or workers come or go, or when reality deviates from the plan; until it is ready, the current
// plan is followed.
#pragma once

#include <cstddef>
#include <vector>

#include "broker/core/base/context.hpp"
#include "broker/core/jobs/eviction.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/jobs/journal.hpp"
#include "broker/core/scheduling/fair_queue.hpp"
#include "broker/core/scheduling/fitness.hpp"
#include "broker/core/scheduling/grants.hpp"
#include "broker/core/scheduling/plan_book.hpp"
#include "broker/core/scheduling/pools.hpp"
#include "broker/core/scheduling/round.hpp"
#include "broker/core/workers/workers.hpp"

namespace quern::broker {

class Planner {
 public:
  Planner(Context& context, Workers& workers, Jobs& jobs, Eviction& eviction, Journal& journal,
          FairQueue& queue, Round& round, PlanBook& plans, Pools& pools, Fitness& fitness,
          Grants& grants)
      : context_(context),
        workers_(workers),
        jobs_(jobs),
        eviction_(eviction),
        journal_(journal),
        queue_(queue),
        round_(round),
        plans_(plans),
        pools_(pools),
        fitness_(fitness),
        grants_(grants) {}

  /// Computes the next slice of a plan, if one is needed.
  void plan_ahead(Time now);
  /// Grants one lease as planned, if that job's turn comes before the rival's.
  bool grant_planned(const Level& level, const Job* rival, Time now);

 private:
  void go_on_planning(Time now);
  bool choose_for_plan(std::vector<Job*>& jobs);
  void begin_plan(Time now);
  std::vector<std::size_t> as_planned(const std::vector<double>& times) const;
  void adopt_plan(Time now);
  void check_plan(Time now);

  Context& context_;
  Workers& workers_;
  Jobs& jobs_;
  Eviction& eviction_;
  Journal& journal_;
  FairQueue& queue_;
  Round& round_;
  PlanBook& plans_;
  Pools& pools_;
  Fitness& fitness_;
  Grants& grants_;
  PlanInUse& plan_ = plans_.plan();
};

}  // namespace quern::broker
