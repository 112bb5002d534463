// A job's leases as a drawing (`quern job ID --timeline FILE`).
#pragma once

#include <string>

#include "cli/output/timeline.hpp"
#include "quern/status.hpp"

namespace quern::cli {

/// A row for each slot that ran tasks of the job, a bar for each lease; bars of returned or lost
/// work are hatched.
Timeline timeline_of(const JobStatus& job);

/// Writes the drawing. Throws FileError when it cannot.
void write_timeline(const JobStatus& job, const std::string& file);

}  // namespace quern::cli
