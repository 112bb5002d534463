// The tables of `quern jobs`, `quern workers` and `quern broker`, and the sentences of `quern
// explain`. Pure.
#pragma once

#include <string>
#include <vector>

#include "quern/schedule.hpp"
#include "quern/status.hpp"

namespace quern::cli {

std::string jobs_text(const std::vector<JobStatus>& jobs);
std::string workers_text(const std::vector<WorkerStatus>& workers);
/// The groups of `quern results --failed --group`.
std::string tasks_text(const std::vector<TaskSpan>& spans);
/// The table of `quern notes`.
std::string notes_text(const std::vector<TaskNote>& notes);
/// The table of `quern schedule list`.
std::string schedules_text(const std::vector<ScheduleStatus>& schedules);
/// The table of `quern schedule history`.
std::string runs_text(const std::vector<ScheduleRun>& runs);
std::string errors_text(const std::vector<ErrorGroup>& groups);
std::string broker_text(const BrokerStatus& status);
std::string explain_text(const std::vector<std::string>& sentences);

}  // namespace quern::cli
