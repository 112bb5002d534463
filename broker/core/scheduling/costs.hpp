// What a task costs when its client gives no hints: learnt from whether the size of payloads
// explains the time of tasks.
//
// It owns what was learnt, by function.
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

  /// So many tasks of the job, with so many bytes of payload, would have taken the mean worker this
  /// long.
  void learn(Job& job, double tasks, double bytes, double seconds);
  /// Where the size of payloads explains the time of tasks: gives the job costs, as if they had
  /// come with it.
  void foresee(Job& job);
  /// The same for payloads that are about to be added to it.
  void foresee(Job& job, const wire::Batch& more);

 private:
  const PayloadCost* payload_cost_of(const Job& job) const;

  Jobs& jobs_;
  PlanBook& plans_;
  std::unordered_map<std::string, PayloadCost> payload_costs_;  ///< by function
};

}  // namespace quern::broker
