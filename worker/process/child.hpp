// One program that this process has started, in a session and process group of its own, so that it
// can be ended with everything it has started. Owned by one thread at a time; movable.
//
// Invariants: the kernel kills the direct child when the thread that started it ends; all its
// descendants carry the worker's mark (see mark.hpp) and are found by it.
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
  std::vector<std::string> env;    ///< NAME=VALUE; its PATH is searched for the program
  std::string folder;              ///< to run in; empty: this process's own
  int in = -1;
  int out = -1;
  int err = -1;
  int extra = -1;                  ///< becomes descriptor 3; -1: none
  std::uint64_t memory_bytes = 0;  ///< limit of its data; 0: none
  std::optional<unsigned> umask;   ///< none: this process's own
};

/// How a child ended.
struct ChildEnd {
  int code = 0;
  int signal = 0;                  ///< 0: it ended by itself
  std::uint64_t memory_bytes = 0;  ///< most that was resident
};

/// Why a program could not be started: an errno, and what it refers to.
struct StartError {
  int error = 0;
  std::string text;
  bool folder = false;  ///< it refers to the folder to run in
};

class Child {
 public:
  Child() = default;
  /// Kills it if it still runs.
  ~Child();
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;

  /// Starts it; returns nothing on success.
  std::optional<StartError> start(const ChildPlan& plan);

  bool running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  /// Readable once it has ended; for poll().
  int ended_fd() const { return ended_fd_; }
  /// Sends the signal to its whole group.
  void signal(int number) const;
  /// Call after it has ended, or to end it now: kills the rest of its group, and reaps it. Waits
  /// until it has ended.
  ChildEnd finish();

 private:
  pid_t pid_ = -1;
  int ended_fd_ = -1;
};

/// A pipe whose ends are not inherited by children.
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
