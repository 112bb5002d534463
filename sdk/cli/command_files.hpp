// Files that travel to a command and back.
#pragma once

#include <string>
#include <vector>

#include "quern/command.hpp"

namespace quern::cli {

/// Reads a file, or all of a folder. A relative name stays as it is, of another the last part does. Throws FileError, also when all are
/// over the limit together.
void add_files(std::vector<CommandFile>& files, const std::string& name);

/// Writes the files of a result below the current folder; one that is there is replaced. Only what the command was to bring back is
/// written, whatever a worker sends. Throws FileError.
void write_files(const Command& command, const CommandResult& result);

}  // namespace quern::cli
