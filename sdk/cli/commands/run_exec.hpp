// `quern run exec`: runs one command on a worker, with its exit code, or many commands as a job.
#pragma once

#include "cli/commands/command.hpp"
#include "cli/output/console.hpp"
#include "cli/process/attended.hpp"
#include "cli/request/job_template.hpp"
#include "quern/client.hpp"

namespace quern::cli {

Syntax run_exec_syntax();

/// The arguments after `quern run exec`. The exit code is that of the command; 125 if it was not
/// run.
Exit run_exec(const Arguments& arguments);

/// The job of one command, whose files are given to the broker. Throws UsageError, FileError,
/// Error, ConnectionError.
JobTemplate exec_template(const Given& given, Client& client, Console& console, Attended& attended);

}  // namespace quern::cli
