// A job's status as people read it. Pure.
#pragma once

#include <string>

#include "quern/status.hpp"

namespace quern::cli {

/// `quern job`: a line per aspect, then a table of what each worker did. Each line ends with a
/// newline.
std::string job_text(const JobStatus& job);

/// Of which its workers' shares are parts.
std::uint64_t tasks_shared(const JobStatus& job);

/// The same in one line, without a newline: "job 12 running: 25 of 100 done, 10 with
/// workers, 1.2k/s".
std::string job_line(const JobStatus& job);

/// Whether something happened between two looks at a job that a person would call a change: not
/// that time has passed.
bool same_progress(const JobStatus& before, const JobStatus& now);

}  // namespace quern::cli
