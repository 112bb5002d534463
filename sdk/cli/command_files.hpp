// Files that travel to a command and back.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/attended.hpp"
#include "cli/console.hpp"
#include "quern/client.hpp"
#include "quern/command.hpp"

namespace quern::cli {

/// Files of a command that are too large to travel with it: where they are here, by their name there. The broker keeps them by their
/// hash, so they are sent to it once, and to each worker once.
using LargeFiles = std::map<std::string, std::string>;

/// Reads a file, or all of a folder. A relative name stays as it is, of another the last part does. With `large`, large ones are only
/// named there, and have no octets yet. Throws FileError, also when all others are over the limit together.
void add_files(std::vector<CommandFile>& files, const std::string& name, LargeFiles* large = nullptr);

/// Gives the large files to the broker and names them by their hash. Throws FileError, Error, ConnectionError.
void give_files(Client& client, const LargeFiles& large, const std::vector<Command*>& commands, SubmitOptions& options, Console& console, Attended& attended);

/// Writes the files of a result below the current folder; one that is there is replaced. Only what the command was to bring back is
/// written, whatever a worker sends. Throws FileError.
void write_files(const Command& command, const CommandResult& result);

}  // namespace quern::cli
