// Options of commands that run programs on workers: what the program gets, and where. Shared by
// `quern map` and `quern run exec`.
#pragma once

#include <string>
#include <vector>

#include "cli/request/command_files.hpp"
#include "cli/syntax/options.hpp"
#include "quern/command.hpp"

namespace quern::cli {

/// Adds --timeout --retries --permanent-exit --env --cwd --memory --require --resource --priority
/// --weight --name --durability.
void add_command_options(Syntax& syntax);

/// The program itself; `words` are its words as given, which may be one script. `arguments`: the
/// maximum per program. Large files are listed in `large`, for give_files(). Throws UsageError.
Command command_of(const Given& given, const std::vector<std::string>& words,
                   std::uint64_t arguments, LargeFiles& large);

/// The options of the job. A program that fails is not retried unless --retries is given.
SubmitOptions command_submit_options(const Given& given);

/// "64K", "1MiB", "2G". Throws UsageError.
std::uint64_t size_of(const char* option, const std::string& text);

}  // namespace quern::cli
