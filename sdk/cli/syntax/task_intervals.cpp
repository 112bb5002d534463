#include "cli/syntax/task_intervals.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "cli/syntax/options.hpp"

namespace quern::cli {
namespace {

constexpr std::uint64_t kTasksMost = 1ULL << 62;  // of a job

std::optional<std::uint64_t> task_in(std::string_view text) {
  std::uint64_t task = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), task);
  if (error != std::errc() || end != text.data() + text.size() || task > kTasksMost)
    return std::nullopt;
  return task;
}

TaskInterval interval_of(std::string_view text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const auto begin = task_in(text.substr(0, colon));
  const auto end = task_in(text.substr(std::min(colon + 1, text.size())));
  if (!begin || !end || *begin >= *end)
    throw UsageError("--tasks takes intervals of tasks A:B,... (A up to B - 1), not '" +
                     std::string(text) + "'");
  return {*begin, *end};
}

}  // namespace

std::vector<TaskInterval> task_intervals(std::string_view text) {
  std::vector<TaskInterval> intervals;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    intervals.push_back(interval_of(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return intervals;
}

}  // namespace quern::cli
