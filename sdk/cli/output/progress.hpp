// Follows a running job on standard error: a bar on a terminal; otherwise only the reason if the
// job waits for more than a second. Owns a thread; destroy before the job's client.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "cli/output/console.hpp"
#include "quern/job.hpp"

namespace quern::cli {

/// The status line: "[####    ] 1.2M/10.0M  12.0 %  345.0k/s  12.3 s left  3 workers". Pure.
std::string progress_line(const Progress& progress);

class ProgressView {
 public:
  /// answers: the job runs programs that answer item after item (`--loop`), which may buffer their
  /// answers.
  enum class Of : unsigned char { tasks, answers };
  ProgressView(const Job& job, Console& console, Of of = Of::tasks);
  ~ProgressView();
  ProgressView(const ProgressView&) = delete;
  ProgressView& operator=(const ProgressView&) = delete;

 private:
  void follow();
  void look();
  void warn(const Progress& progress);

  Job job_;
  Console& console_;
  Of of_;
  bool warned_ = false;
  std::optional<std::chrono::steady_clock::time_point>
      stands_since_;  // there has been no progress since then, see warn()
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::set<std::string> said_;  ///< reasons that were printed
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace quern::cli
