// What others need to know of a job whose results they take, and what they are told when a result
// will not come.
#pragma once

#include <string>

#include "broker/core/base/config.hpp"
#include "broker/core/jobs/job.hpp"
#include "quern/status.hpp"

namespace quern::broker {

/// Whether a reducer combines its results into one.
bool is_reduced(const Job& job);
/// Of its results, or of its reduced value.
Encoding encoding_of(const Job& job);
/// How many results of others a job may follow one by one (the patterns `group`, `all` and
/// `list`): their columns may take a quarter of the memory.
std::uint64_t gathered_most(const Config& config);
/// What is said of a job that would follow more.
std::string too_many_results(std::uint64_t results, const Config& config);
/// `job 12`
std::string name_of(const Job& job);
/// What the tasks are told that need the results of these failed tasks. The first culprit of a
/// chain is named, not the last.
std::string blame(const Job& job, const TaskError& error);
/// Why a job that has ended gives no more results: `job 12 failed: REASON`
std::string bad_end(const Job& job);

}  // namespace quern::broker
