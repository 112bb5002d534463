// Which of several jobs a machine should work on, when it is good at one and bad at another: comparative advantage (Ricardo 1817). A machine is
// fit for a function as far as its rate is near the best rate anybody has for it; it leaves a job to others while another of the same priority
// fits it far better.
#include <algorithm>
#include <limits>

#include "broker/core/core.hpp"

namespace quern::broker {
namespace {

// A machine this fit takes any job: what would be won is less than what fairness between the jobs loses.
constexpr double kFitEnough = 0.5;
// Only a job that fits so many times better is preferred.
constexpr double kFarBetter = 2;
// Jobs that are looked at, in their order.
constexpr int kJobsSeen = 32;
constexpr std::chrono::milliseconds kBestHolds{200};
constexpr std::size_t kFunctionsMost = 1000;

}  // namespace

double Core::best_rate(const std::string& function, Time now) {
  if (best_rates_.size() > kFunctionsMost) best_rates_.clear();
  auto& [until, best] = best_rates_[function];
  if (until > now) return best;
  until = now + kBestHolds;
  best = 0;
  for (const auto& [id, worker] : workers_)
    if (!worker.draining) best = std::max(best, worker.rate_of(function));
  return best;
}

/// 1: as fast as the fastest, or not known yet, so that it gets a chance to show.
double Core::fitness(const Worker& worker, const std::string& function, Time now) {
  const double rate = worker.rate_of(function), best = rate > 0 ? best_rate(function, now) : 0;
  return best > rate ? rate / best : 1;
}

/// Whether there is a choice at all among the first jobs of a priority.
bool Core::several_functions(std::int64_t priority) const {
  auto it = order_.lower_bound({priority, -std::numeric_limits<double>::infinity(), {}});
  const std::string* first = nullptr;
  for (int seen = 0; it != order_.end() && it->falling_priority == priority && seen < kJobsSeen; ++it, ++seen) {
    const std::string& function = jobs_.at(it->job).function;
    if (first && function != *first) return true;
    first = &function;
  }
  return false;
}

bool Core::fits_another_better(const Worker& worker, const Job& job, Time now) {
  const double here = fitness(worker, job.function, now);
  if (here >= kFitEnough) return false;
  const std::int64_t priority = -std::int64_t{job.options.priority};
  auto other = order_.lower_bound({priority, -std::numeric_limits<double>::infinity(), {}});
  for (int seen = 0; other != order_.end() && other->falling_priority == priority && seen < kJobsSeen; ++other, ++seen) {
    const Job& another = jobs_.at(other->job);
    if (another.function == job.function || another.pending.empty() || !can_run(worker, another) || over_result_share(another)) continue;
    if (fitness(worker, another.function, now) >= kFarBetter * here) return true;
  }
  return false;
}

}  // namespace quern::broker
