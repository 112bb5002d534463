// Files that are sent to a command and fetched from it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/output/console.hpp"
#include "cli/process/attended.hpp"
#include "quern/client.hpp"
#include "quern/command.hpp"

namespace quern::cli {

/// Files that are too large to be part of the command itself: from their name on the worker to
/// their path here. The broker stores them by their hash, so each is sent once to the broker and
/// once to each worker.
using LargeFiles = std::map<std::string, std::string>;

/// Reads a file, or all of a folder, as `cp -rL` does: links are followed, empty folders are kept;
/// other kinds of files, dangling links and folders that contain themselves are errors. A relative
/// name is kept; of an absolute name, the last part is. With `large`, large files are only listed
/// there, without contents. Throws FileError, also if the others together exceed the limit.
void add_files(std::vector<CommandFile>& files, const std::string& name,
               LargeFiles* large = nullptr);

/// Uploads one file to the broker, and shows the progress if that takes long. Returns its hash,
/// which is added to `options`. Throws as give_files() does. `name`: of the file, for people.
std::string put_file(Client& client, const std::string& path, const std::string& name,
                     SubmitOptions& options, Console& console, Attended& attended);

/// Uploads the large files to the broker and refers to them by their hash. Throws FileError, Error,
/// ConnectionError.
void give_files(Client& client, const LargeFiles& large, const std::vector<Command*>& commands,
                SubmitOptions& options, Console& console, Attended& attended);

}  // namespace quern::cli
