// `quern run exec`: commands on workers, one of them with its exit code, or many as a job.
#pragma once

#include "cli/commands/command.hpp"

namespace quern::cli {

Syntax run_exec_syntax();

/// What follows `quern run exec`. The exit code is the command's own; 125 when it was not run.
Exit run_exec(const Arguments& arguments);

}  // namespace quern::cli
