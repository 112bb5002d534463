// The encoding of structured columns: intervals as "0-5,9-12", counted intervals as "0-5:2" (both
// readable in a shell), and errors of results.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "broker/core/base/persist.hpp"

namespace quern::broker {

// Half-open as everywhere: "0-5" are tasks 0 to 4.
std::string column_of(const wire::Intervals& intervals);
std::string column_of(const std::vector<CountedTasks>& counted);
/// Which tasks a result entry has payloads of: its results, and after a ";" the failed ones that
/// left output.
std::string column_of_tasks(const ResultEntry& entry);
/// Per error: FIRST COUNT CODE LENGTH, a blank, LENGTH bytes of text, end of line.
std::string column_of(const std::vector<TaskError>& errors);
/// PATTERN NUMBER WIDTH STEP ENDED, separated by blanks.
std::string column_of(const JobEdge& edge);
/// Float 32, little endian.
std::string column_of(const std::vector<float>& costs);

// nullopt if it is not in the format of the functions above.
std::optional<wire::Intervals> intervals_in(std::string_view column);
/// Sets `tasks` and `written`; false if it is not in the format of column_of_tasks.
bool tasks_in(std::string_view column, ResultEntry& entry);
std::optional<std::vector<CountedTasks>> counted_in(std::string_view column);
std::optional<std::vector<TaskError>> errors_in(std::string_view column);
std::optional<JobEdge> edge_in(std::string_view column);

std::optional<std::vector<float>> costs_in(std::string_view column);

std::optional<Uuid> uuid_in(std::string_view text);

}  // namespace quern::broker
