// One program that this process has started, in a session and process group of its own, so that it
// can be ended with everything it has started. Owned by one thread at a time; movable.
//
// What holds: its direct child is killed by the kernel when the thread that started it ends; all
// else that it started carries the worker's mark (see mark.hpp) and is found by it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace quern::worker {

/// What to start. Descriptors stay the caller's; -1 is /dev/null.
struct ChildPlan {
  std::vector<std::string> words;  ///< program and arguments
  std::string file;                ///< of the program, if not found by words.front()
  std::vector<std::string> env;    ///< NAME=VALUE; PATH in it is where the program is looked for
  std::string folder;              ///< to run in; empty: this process's own
  int in = -1;
  int out = -1;
  int err = -1;
  int extra = -1;                  ///< becomes descriptor 3; -1: none
  std::uint64_t memory_bytes = 0;  ///< of data it may have; 0: no limit
  std::optional<unsigned> umask;   ///< none: this process's own
};

/// How a child ended.
struct ChildEnd {
  int code = 0;
  int signal = 0;                  ///< 0: it ended by itself
  std::uint64_t memory_bytes = 0;  ///< most that was resident
};

/// Why a program could not be started: an errno, and what it was about.
struct StartError {
  int error = 0;
  std::string text;
  bool folder = false;  ///< the one to run in
};

class Child {
 public:
  Child() = default;
  /// Kills what still runs.
  ~Child();
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;

  /// Starts it; nothing when it runs.
  std::optional<StartError> start(const ChildPlan& plan);

  bool running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  /// Readable once it has ended; for poll().
  int ended_fd() const { return ended_fd_; }
  /// To all of its group.
  void signal(int number) const;
  /// After it has ended, or to end it now: kills what is left of its group, and reaps it. Waits
  /// until it is gone.
  ChildEnd finish();

 private:
  pid_t pid_ = -1;
  int ended_fd_ = -1;
};

/// A pipe whose two ends do not reach children by themselves.
struct Pipe {
  Pipe();  ///< throws std::system_error
  ~Pipe();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_read();
  void close_write();
  int read = -1;
  int write = -1;
};

}  // namespace quern::worker
