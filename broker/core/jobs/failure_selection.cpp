#include "broker/core/jobs/failure_selection.hpp"

#include <algorithm>
#include <string_view>

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

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Whether without_numbers(text) == group, without making a text for each of many errors.
bool is_of_group(std::string_view text, std::string_view group) {
  constexpr std::string_view kNumber = "<n>";
  for (std::size_t i = 0; i < text.size();) {
    if (!is_digit(text[i])) {
      if (!group.starts_with(text[i++])) return false;
      group.remove_prefix(1);
      continue;
    }
    if (!group.starts_with(kNumber)) return false;
    group.remove_prefix(kNumber.size());
    while (i < text.size() && is_digit(text[i])) ++i;
  }
  return group.empty();
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
          (retry.text.empty() || error.text == retry.text || is_of_group(error.text, retry.text)))
        matching.push_back({error.first, error.first + error.count});
  return within(selected, merged(std::move(matching)));
}

}  // namespace quern::broker
