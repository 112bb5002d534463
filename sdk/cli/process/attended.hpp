// A command that waits for jobs: Ctrl-C and SIGTERM cancel them, give the broker a moment to
// confirm, and end the process. Construct in main's thread before any other thread starts.
#pragma once

#include <mutex>
#include <vector>

#include "cli/process/interrupt.hpp"
#include "cli/syntax/exit.hpp"
#include "quern/job.hpp"

namespace quern::cli {

/// Exits without joining threads: one of them may be waiting for input from a terminal.
[[noreturn]] void leave(Exit code);

class Attended {
 public:
  Attended();

  /// Registers a job to be cancelled as well. Any thread.
  void add(const Job& job);
  bool interrupted() const { return interrupt_.caught(); }
  /// Cancels all jobs and waits briefly for the broker to confirm it.
  void cancel();

 private:
  void on_interrupt();

  std::mutex mutex_;
  std::vector<Job> jobs_;
  Interrupt interrupt_;  // last: its thread uses the above
};

}  // namespace quern::cli
