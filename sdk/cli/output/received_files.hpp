// Writes files that workers send back (--get). What a worker sends is checked against the request:
// only the client's own patterns and arguments count.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/output/console.hpp"
#include "quern/command.hpp"

namespace quern::cli {

/// Writes them below the current folder. All names are checked before the first byte is written;
/// no folder in the path may be a link; each file is written under a temporary name and renamed
/// when it is complete, replacing an existing file. Permissions follow the umask; an executable
/// file stays executable. Returns the patterns of `command` that no file matches. Throws FileError.
std::vector<std::string> write_files(const Command& command,
                                     const std::vector<std::string>& arguments,
                                     std::uint64_t number, const CommandResult& result);

/// Reports which patterns of `whose` ("command 3") matched no file; `told` counts the reports,
/// which stop after the tenth.
void tell_missing(Console& console, const std::vector<std::string>& patterns,
                  const std::string& whose, std::uint64_t& told);

}  // namespace quern::cli
