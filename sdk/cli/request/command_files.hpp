// Files that travel to a command and back.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/output/console.hpp"
#include "cli/process/attended.hpp"
#include "quern/client.hpp"
#include "quern/command.hpp"

namespace quern::cli {

/// Files of a command that are too large to travel with it: where they are here, by their name
/// there. The broker keeps them by their hash, so they are sent to it once, and to each worker
/// once.
using LargeFiles = std::map<std::string, std::string>;

/// Reads a file, or all of a folder, as `cp -rL` does: links are followed, empty folders are kept;
/// what is neither file nor folder, a link to nothing and a folder within itself are errors. A
/// relative name stays as it is, of another the last part does. With `large`, large ones are only
/// named there, and have no octets yet. Throws FileError, also when all others are over the limit
/// together.
void add_files(std::vector<CommandFile>& files, const std::string& name,
               LargeFiles* large = nullptr);

/// Gives one file to the broker, which tells how far it is where that takes long; its hash, which
/// `options` name from then on. Throws as give_files() does. `name`: of the file for people.
std::string put_file(Client& client, const std::string& path, const std::string& name,
                     SubmitOptions& options, Console& console, Attended& attended);

/// Gives the large files to the broker and names them by their hash. Throws FileError, Error,
/// ConnectionError.
void give_files(Client& client, const LargeFiles& large, const std::vector<Command*>& commands,
                SubmitOptions& options, Console& console, Attended& attended);

}  // namespace quern::cli
