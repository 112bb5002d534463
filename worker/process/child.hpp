// One program that this process has started, in a session and process group of its own, so that it
// can be ended with everything it has started. Owned by one thread at a time; movable.
//
// Invariants: the kernel kills the direct child when the thread that started it ends; all its
// descendants carry the worker's mark (see mark.hpp) and are found by it.
#pragma once

#include <sys/types.h>

#include <optional>

#include "process/end.hpp"
#include "process/spawn.hpp"

namespace quern::worker {

class Child {
 public:
  Child() = default;
  /// Kills it if it still runs.
  ~Child();
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;

  /// Starts it; returns nothing on success.
  std::optional<process::StartError> start(const process::SpawnPlan& plan);

  bool running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  /// Readable once it has ended; for poll().
  int ended_fd() const { return ended_fd_; }
  /// Sends the signal to its whole group.
  void signal(int number) const;
  /// Call after it has ended, or to end it now: kills the rest of its group, and reaps it. Waits
  /// until it has ended.
  process::End finish();

 private:
  pid_t pid_ = -1;
  int ended_fd_ = -1;
};

}  // namespace quern::worker
