// A process beside the worker that outlives it by a moment: when the worker is gone, however it
// went, the reaper ends every program that the worker had started, and removes their folders.
#pragma once

#include "worker/process/mark.hpp"

namespace quern::worker {

/// Starts it. To be called while the process has one thread. It has no descriptors but its end of a
/// pipe, whose other end this process holds open until it ends.
class Reaper {
 public:
  /// `folder`: removed with all that is in it. Throws std::system_error.
  Reaper(const Mark& mark, const std::string& folder);
  /// An orderly end: it looks once more, and leaves.
  ~Reaper();
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int alive_ = -1;  // closed by the kernel when we are gone
};

}  // namespace quern::worker
