// SIGINT, SIGTERM and SIGHUP for a command that must clean up before it ends. Construct in main's
// thread before any other thread starts, so that all of them inherit the blocked mask.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

namespace quern::cli {

class Interrupt {
 public:
  /// `on_first` runs on the watching thread when the first signal arrives. A second one ends the
  /// process at once with 130.
  explicit Interrupt(std::function<void()> on_first);
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool caught() const { return caught_; }

 private:
  void watch();

  std::function<void()> on_first_;
  std::atomic<bool> caught_ = false;
  int signals_;
  int stop_;
  std::thread watcher_;
};

}  // namespace quern::cli
