// SIGINT and SIGTERM as a descriptor to poll. For programs only: a library never handles signals.
#pragma once

namespace quern::runtime {

/// Blocks SIGINT and SIGTERM in this and all later threads and makes them readable from fd().
/// Construct it before the first thread. If a thread was started earlier, by a plugin for example,
/// the signals that it receives arrive here too. (The first process of a container receives only
/// signals that it handles.)
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
  int blocked_ = -1;  ///< a signalfd, for threads that block the signals
  int caught_ = -1;   ///< a pipe that the handler writes to, for threads that do not block them
  int both_ = -1;     ///< readable if one of the two is
};

}  // namespace quern::runtime
