// The sentences of `explain`: why tasks wait, where they run and why there, and when the job should
// end and what that assumes.
#pragma once

#include <string>
#include <vector>

#include "broker/core/edges/edge_table.hpp"
#include "broker/core/jobs/eviction.hpp"
#include "broker/core/jobs/families.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/scheduling/fair_queue.hpp"
#include "broker/core/scheduling/fitness.hpp"
#include "broker/core/scheduling/plan_book.hpp"
#include "broker/core/status/estimator.hpp"
#include "broker/core/status/statuses.hpp"
#include "broker/core/workers/workers.hpp"

namespace quern::broker {

class Explainer {
 public:
  Explainer(Workers& workers, Jobs& jobs, Eviction& eviction, FairQueue& queue, PlanBook& plans,
            Fitness& fitness, Families& families, EdgeTable& edges, Estimator& estimator,
            Statuses& statuses)
      : workers_(workers),
        jobs_(jobs),
        eviction_(eviction),
        queue_(queue),
        plans_(plans),
        fitness_(fitness),
        families_(families),
        edges_(edges),
        estimator_(estimator),
        statuses_(statuses) {}

  std::vector<std::string> explain(const Job& job, Time now) const;

 private:
  using Lines = std::vector<std::string>;

  void explain_edges(const Job& job, Lines& lines) const;
  void explain_nesting(const Job& job, Lines& lines) const;
  void explain_waiting(const Job& job, Time now, Lines& lines) const;
  void explain_plan(const Job& job, Time now, Lines& lines) const;
  void explain_share(const Job& job, Lines& lines) const;
  static void explain_workers(const Job& job, Lines& lines);
  void explain_end(const Job& job, const JobStatus& status, Time now, Lines& lines) const;

  Workers& workers_;
  Jobs& jobs_;
  Eviction& eviction_;
  FairQueue& queue_;
  PlanBook& plans_;
  Fitness& fitness_;
  Families& families_;
  EdgeTable& edges_;
  Estimator& estimator_;
  Statuses& statuses_;
};

}  // namespace quern::broker
