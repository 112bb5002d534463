// From a command to the plan of a child: its environment, its folder, its limits.
#pragma once

#include <memory>
#include <optional>

#include "process/end.hpp"
#include "process/spawn.hpp"
#include "quern/command.hpp"
#include "quern/worker.hpp"
#include "worker/process/child.hpp"
#include "worker/process/host.hpp"

namespace quern::worker {

/// A folder to run in, and the temporary one if it had to be made.
struct Workplace {
  std::string folder;
  std::unique_ptr<TemporaryFolder> temporary;
};
/// Opens or creates the folder for a program (see Command::cwd). Throws std::system_error.
Workplace workplace_of(const std::string& cwd, bool optional, const Host& host);

/// The message for a folder that does not exist or cannot be entered, with advice. `error`: an
/// errno.
std::string folder_trouble(const std::string& folder, int error, const Host& host);

/// Everything but the words, the folder and the descriptors. `mark` is the child's own.
process::SpawnPlan plan_of(const Command& command, const Host& host, const std::string& mark);

/// Variables that replace those of the same name.
void add_environment(process::SpawnPlan& plan, const std::vector<std::string>& variables);

/// The command of a job, read once per job and thread.
class CommandOfJob {
 public:
  /// Throws std::invalid_argument when the job's common input is no command.
  const Command& of(const Task& task);

 private:
  std::weak_ptr<const void> owner_;
  Command command_;
};

/// "exit code 3", "killed by signal 9 (Killed)"; with a note if it probably ran out of memory.
std::string describe(const process::End& end, std::uint64_t memory_limit);

}  // namespace quern::worker
