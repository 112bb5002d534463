// What a task costs when its client gives no hints. The costs are learnt from whether the size of
// the payloads explains the time of the tasks.
//
// Owns what was learnt, by function.
#pragma once

#include <string>
#include <unordered_map>

#include "broker/core/jobs/jobs.hpp"
#include "broker/core/scheduling/payload_cost.hpp"
#include "broker/core/scheduling/plan_book.hpp"

namespace quern::broker {

class Costs {
 public:
  Costs(Jobs& jobs, PlanBook& plans) : jobs_(jobs), plans_(plans) {}

  /// This many tasks of the job, with this many bytes of payload, would have taken the average
  /// worker this long.
  void learn(Job& job, double tasks, double bytes, double seconds);
  /// If the size of the payloads explains the time of the tasks, gives the job costs as if the
  /// client had sent them.
  void foresee(Job& job);
  /// Does the same for payloads that are about to be added to the job.
  void foresee(Job& job, const wire::Batch& more);

 private:
  const PayloadCost* payload_cost_of(const Job& job) const;

  Jobs& jobs_;
  PlanBook& plans_;
  std::unordered_map<std::string, PayloadCost> payload_costs_;  ///< by function
};

}  // namespace quern::broker
