// A job's status as text for people. Pure.
#pragma once

#include <string>

#include "quern/status.hpp"

namespace quern::cli {

/// `quern job`: a line per aspect, then a table of what each worker did. Each line ends with a
/// newline.
std::string job_text(const JobStatus& job);

/// The same in one line, without a newline: "job 12 running: 25 of 100 done, 10 leased to workers,
/// 1.2k/s".
std::string job_line(const JobStatus& job);

/// Whether two states of a job differ in more than the time that has passed.
bool same_progress(const JobStatus& before, const JobStatus& now);

}  // namespace quern::cli
