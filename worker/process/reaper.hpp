// A process that briefly outlives the worker: when the worker ends in any way, the reaper kills
// every program that the worker had started, and removes their folders.
#pragma once

#include "worker/process/mark.hpp"

namespace quern::worker {

/// Starts it. To be called while the process has one thread. It has no descriptors but its end of a
/// pipe, whose other end this process holds open until it ends.
class Reaper {
 public:
  /// `folder`: removed with all that is in it. Throws std::system_error.
  Reaper(const Mark& mark, const std::string& folder);
  /// Orderly end: it cleans up once more and exits.
  ~Reaper();
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int alive_ = -1;  // closed by the kernel when this process ends
};

}  // namespace quern::worker
