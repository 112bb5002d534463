// Options that every job can have, whatever it runs.
#pragma once

#include <chrono>

#include "cli/syntax/options.hpp"

namespace quern::cli {

/// Adds --priority --weight --require --resource --name --idempotent --at-most-once --ttl
/// --durability.
void add_job_options(Syntax& syntax);
/// --unique and --unique-any.
void add_unique_options(Syntax& syntax);
void set_unique(SubmitOptions& options, const Given& given);
/// Throws UsageError.
SubmitOptions job_options_of(const Given& given);

/// Attempts of a task: --retries (`otherwise` when it was not given) and the first. Throws
/// UsageError.
std::uint32_t attempts_of(const Given& given, long otherwise);
/// Throws UsageError.
std::chrono::milliseconds timeout_of(double seconds);

}  // namespace quern::cli
