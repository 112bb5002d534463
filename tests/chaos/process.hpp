// A child process with its output in a log file. It ends with its parent, even if that is killed.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace quern::chaos {

class Process {
 public:
  Process() = default;
  /// Starts words[0] with stdout and stderr appended to `log`. Throws std::system_error.
  Process(const std::vector<std::string>& words, const std::string& log);
  ~Process();
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  /// Kills and reaps.
  void kill();
  /// Reaps the process if it has ended. Returns its exit code, or 128 + the signal.
  std::optional<int> ended();

 private:
  pid_t pid_ = -1;
  std::optional<int> code_;
};

}  // namespace quern::chaos
