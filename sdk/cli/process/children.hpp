// Programs that this process starts and owns. A child never outlives its parent: the kernel kills
// it when the thread that started it ends, also by kill -9, so start children from the main thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "process/end.hpp"

namespace quern::cli {

/// Looks beside the running executable, then in PATH. Throws std::runtime_error if it is not found.
std::string find_program(const std::string& name);

struct ProgramCall {
  std::string path;
  std::vector<std::string> arguments;
};

/// Reaps processes that were left to this one because their parents have ended: as process 1 of a
/// container it gets all of them. `own`: children that their owners reap.
void reap_orphans(const std::vector<pid_t>& own);

class Child {
 public:
  /// Starts the program in a process group of its own (Ctrl-C at the terminal reaches only us, and
  /// we stop it in order). Its stdin is empty, its stdout is read through first_line(), its stderr
  /// is ours. Throws std::system_error.
  explicit Child(const ProgramCall& call);
  /// Kills and reaps it if it still runs.
  ~Child();
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;

  pid_t pid() const { return pid_; }
  /// The first line of its stdout without the newline; nullopt if it ended, or printed nothing
  /// within this time.
  std::optional<std::string> first_line(std::chrono::milliseconds patience);
  void signal(int number);
  /// Reaps it if it has ended.
  std::optional<process::End> ended();
  /// Waits for it to end by itself.
  std::optional<process::End> wait_for(std::chrono::milliseconds patience);

 private:
  pid_t pid_ = -1;
  int out_ = -1;
  std::optional<process::End> ending_;
};

}  // namespace quern::cli
