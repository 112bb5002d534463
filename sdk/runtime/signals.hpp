// SIGINT and SIGTERM as something to poll. For programs only: a library never touches signals.
#pragma once

namespace quern::runtime {

/// Blocks SIGINT and SIGTERM in this and all later threads and makes them readable from fd().
/// Construct it before the first thread; one that was started before, by a plugin for example,
/// takes nothing away: its signals arrive here, too. (And the first process of a container is sent
/// only what it has asked for.)
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  int fd() const { return both_; }
  /// The signal that arrived, or 0. Does not block.
  int take();

 private:
  int blocked_ = -1;  ///< a signalfd: of threads that block them
  int caught_ = -1;   ///< a pipe that the handler writes to: of threads that do not
  int both_ = -1;     ///< readable when one of them is
};

}  // namespace quern::runtime
