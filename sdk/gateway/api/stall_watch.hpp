// Notices that an upload gets no room at the broker.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

namespace quern::gateway {

/// Stops an upload of which the broker takes nothing for a while, so that it does not hold its
/// thread for ever. Any thread.
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
  /// The file is offered to the broker, or a part of it was taken.
  void on_progress() {
    {
      std::lock_guard lock(mutex_);
      moved_ = std::chrono::steady_clock::now();
    }
    changed_.notify_all();
  }
  /// Its stop is requested when nothing was taken for too long.
  std::stop_token token() const { return stop_.get_token(); }
  bool stalled() const { return stop_.stop_requested(); }

 private:
  void watch(std::chrono::seconds most) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return over_ || moved_; });
    while (!over_ && std::chrono::steady_clock::now() < *moved_ + most)
      changed_.wait_until(lock, *moved_ + most);
    if (over_) return;
    lock.unlock();
    stop_.request_stop();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::stop_source stop_;
  std::optional<std::chrono::steady_clock::time_point> moved_;  ///< nothing: not offered yet
  bool over_ = false;
  std::thread thread_;  // last, because it uses the members above
};

}  // namespace quern::gateway
