#include "broker/core/jobs/failure_selection.hpp"

#include <algorithm>

namespace quern::broker {
namespace {

/// The intervals in order, those that touch or overlap made one.
wire::Intervals merged(wire::Intervals intervals) {
  std::sort(intervals.begin(), intervals.end(),
            [](const auto& a, const auto& b) { return a.begin < b.begin; });
  wire::Intervals out;
  for (const auto& tasks : intervals) {
    if (!out.empty() && tasks.begin <= out.back().end)
      out.back().end = std::max(out.back().end, tasks.end);
    else
      out.push_back(tasks);
  }
  return out;
}

wire::IntervalSet within(const wire::IntervalSet& set, const wire::Intervals& several) {
  wire::Intervals out;
  for (const auto& tasks : several)
    for (const auto& part : set.intersect(tasks)) out.push_back(part);
  return wire::IntervalSet(merged(std::move(out)));
}

}  // namespace

wire::IntervalSet selected_failures(const Job& job, const wire::Retry& retry) {
  wire::IntervalSet selected =
      retry.tasks.empty() ? *job.tasks.failed_set : within(*job.tasks.failed_set, retry.tasks);
  if (retry.code == ErrorCode::none && retry.text.empty()) return selected;
  wire::Intervals matching;
  const ResultLog& results = job.output.results;
  for (std::uint64_t seq = results.begin(); seq < results.end(); ++seq)
    for (const TaskError& error : results.at(seq).errors)
      if ((retry.code == ErrorCode::none || error.code == retry.code) &&
          (retry.text.empty() || error.text == retry.text))
        matching.push_back({error.first, error.first + error.count});
  return within(selected, merged(std::move(matching)));
}

}  // namespace quern::broker
