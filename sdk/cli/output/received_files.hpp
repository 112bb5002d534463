// Files that workers send back (--get), on this machine. What a worker says is checked against what
// was asked of it: only the client's own patterns and arguments count.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/output/console.hpp"
#include "quern/command.hpp"

namespace quern::cli {

/// Writes them below the current folder. All names are checked before the first octet is written;
/// no folder on the way may be a link; each file gets a name of its own until it is whole, and then
/// takes the place of one that was there. Permissions are those that programs here give (umask); an
/// executable file stays one. Returns the patterns of `command` that no file matches. Throws
/// FileError.
std::vector<std::string> write_files(const Command& command,
                                     const std::vector<std::string>& arguments,
                                     std::uint64_t number, const CommandResult& result);

/// Says which patterns of `whose` ("command 3") no file matches; `told` counts, and after the tenth
/// nothing more is said.
void tell_missing(Console& console, const std::vector<std::string>& patterns,
                  const std::string& whose, std::uint64_t& told);

}  // namespace quern::cli
