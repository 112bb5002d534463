// `quern run exec`: runs one command on a worker, with its exit code, or many commands as a job.
#pragma once

#include "cli/commands/command.hpp"

namespace quern::cli {

Syntax run_exec_syntax();

/// The arguments after `quern run exec`. The exit code is that of the command; 125 if it was not
/// run.
Exit run_exec(const Arguments& arguments);

}  // namespace quern::cli
