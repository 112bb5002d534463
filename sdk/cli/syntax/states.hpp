// "running,failed": states of jobs, as people write them. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "quern/status.hpp"

namespace quern::cli {

/// Throws UsageError when a word is not a state, or when there is none.
std::vector<JobState> job_states(std::string_view text);

}  // namespace quern::cli
