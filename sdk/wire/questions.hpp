// QUERY and ANSWER as plain data: what clients ask about jobs, workers and the broker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "quern/ids.hpp"
#include "quern/schedule.hpp"
#include "quern/status.hpp"

namespace quern::wire {

enum class QueryWhat : std::uint8_t {
  jobs,
  job,
  workers,
  explain,
  broker,
  timeline,
  errors,
  tasks,
  notes,
  schedules,
  schedule
};

/// QUERY: answered by ANSWER with the same token (or ERROR).
struct Query {
  std::uint64_t token = 0;
  QueryWhat what = QueryWhat::jobs;
  Uuid job{};  ///< nil: by number
  JobNumber number{};
  std::uint64_t limit = 100;  ///< jobs, workers, tasks: maximum number in one answer
  JobNumber before{};         ///< jobs: only numbers below this one; 0: begin with the newest
  std::string after{};  ///< workers: only names that sort after this one; empty: from the first
  std::vector<JobState> states{};  ///< in one of these states; empty: in any
  std::string function{};          ///< of this function
  std::string owner{};             ///< of this principal
  std::string name{};              ///< whose names match this pattern (wire/glob.hpp)
  std::string text{};              ///< with this text in name, function or reason, in any case
  /// errors: from this result entry on; tasks: from this index on; schedules: after this one
  std::uint64_t cursor = 0;
  std::uint64_t skip = 0;  ///< errors: and from this error of that entry on
  bool operator==(const Query&) const = default;
};

/// ANSWER to QUERY and DRAIN.
struct Answer {
  std::uint64_t token = 0;
  std::vector<JobStatus> jobs;
  std::vector<WorkerStatus> workers;
  std::vector<std::string> text;  ///< sentences for the user
  std::optional<BrokerStatus> broker;
  JobNumber before{};  ///< jobs: more may follow below this number; 0: the list is complete
  std::string after;   ///< workers: more follow after this name; empty: the list is complete
  std::vector<ErrorGroup> errors;  ///< errors: of the part that was examined
  /// errors, tasks, schedules: where to continue; 0 with `skip` 0: this was all
  std::uint64_t cursor = 0;
  std::uint64_t skip = 0;
  std::vector<TaskSpan> tasks;  ///< tasks: intervals from `cursor` of the question on
  std::vector<TaskNote> notes;  ///< notes: the lines, then the progress of running tasks
  std::vector<ScheduleStatus> schedules;
  bool operator==(const Answer&) const = default;
};

}  // namespace quern::wire
