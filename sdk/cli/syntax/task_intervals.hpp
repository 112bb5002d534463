// "0:5,9:10": tasks of a job, as people write them. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "quern/status.hpp"

namespace quern::cli {

/// Throws UsageError for what is not a list of A:B with A below B.
std::vector<TaskInterval> task_intervals(std::string_view text);

}  // namespace quern::cli
