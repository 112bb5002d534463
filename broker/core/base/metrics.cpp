#include "broker/core/base/metrics.hpp"

#include <algorithm>

#include "broker/core/base/seconds.hpp"

namespace quern::broker {
namespace {

// Each function is a row in an ANSWER and a series in a monitoring system, and clients choose the
// names, so their number is bounded.
constexpr std::size_t kFunctionsMost = 100;

}  // namespace

FunctionCounters& Metrics::find(const std::string& function) {
  const auto known = functions_.find(function);
  if (known != functions_.end()) return *(last_ = &known->second);
  if (functions_.size() >= kFunctionsMost) return other_;
  last_ = &functions_[function];
  last_->function = function;
  return *last_;
}

void Metrics::count(Histogram& histogram, wire::Duration time) {
  const double s = std::max(0.0, seconds(time));
  if (histogram.counts.empty()) histogram.counts.resize(kHistogramBounds.size() + 1);
  std::size_t bucket = 0;  // without branches: leases of all lengths alternate
  for (const double bound : kHistogramBounds) bucket += s > bound ? 1 : 0;
  ++histogram.counts[bucket];
  histogram.sum_s += s;
}

std::vector<FunctionCounters> Metrics::functions() const {
  std::vector<FunctionCounters> all;
  all.reserve(functions_.size() + 1);
  for (const auto& [name, counters] : functions_) all.push_back(counters);
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return a.function < b.function; });
  if (other_ == FunctionCounters{}) return all;
  all.push_back(other_);
  all.back().function = "other";
  return all;
}

}  // namespace quern::broker
