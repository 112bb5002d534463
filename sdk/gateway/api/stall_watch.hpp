// Ends an upload that gets no room at the broker.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "quern/job.hpp"

namespace quern::gateway {

/// Cancels an upload that gets no room at the broker, so that it does not hold its thread for ever.
/// Any thread.
class StallWatch {
 public:
  /// @param most how long no part of the file may be taken
  explicit StallWatch(std::chrono::seconds most) : thread_([this, most] { watch(most); }) {}
  ~StallWatch() {
    {
      std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  /// The job that carries the file.
  void follow(const Job& job) {
    std::lock_guard lock(mutex_);
    job_ = job;
  }
  /// A part was taken.
  void on_progress() {
    std::lock_guard lock(mutex_);
    moved_ = std::chrono::steady_clock::now();
  }
  bool stalled() {
    std::lock_guard lock(mutex_);
    return stalled_;
  }

 private:
  void watch(std::chrono::seconds most) {
    std::unique_lock lock(mutex_);
    while (!over_ && !stalled_) {
      if (changed_.wait_until(lock, moved_ + most) != std::cv_status::timeout) continue;
      stalled_ = job_ && std::chrono::steady_clock::now() >= moved_ + most;
      if (stalled_) job_->cancel();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Job> job_;
  std::chrono::steady_clock::time_point moved_ = std::chrono::steady_clock::now();
  bool over_ = false;
  bool stalled_ = false;
  std::thread thread_;  // last, because it uses the members above
};

}  // namespace quern::gateway
