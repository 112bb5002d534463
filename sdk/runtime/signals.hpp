// SIGINT and SIGTERM as something to poll. For programs only: a library never touches signals.
#pragma once

namespace quern::runtime {

/// Blocks SIGINT and SIGTERM in this and all later threads and makes them readable from fd(). Construct first in main().
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  int fd() const { return fd_; }
  /// The signal that arrived, or 0. Does not block.
  int take();

 private:
  int fd_;
};

}  // namespace quern::runtime
