#include "broker/core/scheduling/costs.hpp"

#include <algorithm>

namespace quern::broker {
namespace {

// Costs are estimated from payload sizes only for jobs with at most this many tasks, because it is
// done in one step.
constexpr std::uint64_t kForeseenMost = 200'000;

}  // namespace

void Costs::learn(Job& job, double tasks, double bytes, double seconds) {
  PayloadCost& cost = payload_costs_[job.spec.function];
  const bool before = cost.explains();
  cost.learn(tasks, bytes, seconds);
  if (before || !cost.explains()) return;
  // Jobs that arrived before the function was known well enough get their costs now.
  for (JobNumber number : jobs_.live()) {
    Job& other = jobs_.at(number);
    if (other.spec.function == job.spec.function) foresee(other);
  }
}

const PayloadCost* Costs::payload_cost_of(const Job& job) const {
  // Input from other jobs arrives in any order.
  if (job.spec.costed || job.phase.fed || !job.run.decision ||
      job.run.decision->takes != Takes::item || !job.has_payloads())
    return nullptr;
  const auto known = payload_costs_.find(job.spec.function);
  return known == payload_costs_.end() || !known->second.explains() ? nullptr : &known->second;
}

void Costs::foresee(Job& job) {
  const PayloadCost* cost = payload_cost_of(job);
  if (!cost || job.intake.accepted > kForeseenMost) return;
  CostHints& costs = job.intake.costs.edit();
  costs.assign(job.intake.accepted, 1);
  job.intake.payloads.each_size([&](std::uint64_t task, std::uint32_t bytes) {
    if (task < costs.size()) costs.set(task, cost->of(bytes));
  });
  plans_.on_changed(job);
}

void Costs::foresee(Job& job, const wire::Batch& more) {
  const PayloadCost* cost = payload_cost_of(job);
  if (!cost || job.intake.costs->size() != job.intake.accepted ||
      job.intake.accepted + more.count() > kForeseenMost)
    return;
  for (std::uint64_t i = 0; i < more.count(); ++i)
    job.intake.costs.edit().add(cost->of(more.sizes.at(i)));
}

}  // namespace quern::broker
