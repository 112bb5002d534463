// From a command to the plan of a child: its environment, its folder, its limits.
#pragma once

#include <memory>
#include <optional>

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
/// Where a program wants to run (see Command::cwd). Throws std::system_error.
Workplace workplace_of(const std::string& cwd, bool optional, const Host& host);

/// Of a folder that is not there, or cannot be entered: what that means and what to do. `error`: an
/// errno.
std::string folder_trouble(const std::string& folder, int error, const Host& host);

/// Everything but the words, the folder and the descriptors. `mark` is the child's own.
ChildPlan plan_of(const Command& command, const Host& host, const std::string& mark);

/// Variables that replace those of the same name.
void add_environment(ChildPlan& plan, const std::vector<std::string>& variables);

/// The command of a job, read once per job and thread.
class CommandOfJob {
 public:
  /// Throws std::invalid_argument when the job's common input is no command.
  const Command& of(const Task& task);

 private:
  std::weak_ptr<const void> owner_;
  Command command_;
};

/// "exit code 3", "killed by signal 9 (Killed)"; with a word on memory when that is what it
/// probably ran out of.
std::string describe(const ChildEnd& end, std::uint64_t memory_limit);

}  // namespace quern::worker
