// Threads that call the SDK, whose calls block, so that the I/O thread never does.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace quern::gateway {

/// A fixed number of threads that take calls from a bounded queue.
class Callers {
 public:
  Callers(std::size_t threads, std::size_t queue_max);
  ~Callers() { stop(); }
  Callers(const Callers&) = delete;
  Callers& operator=(const Callers&) = delete;

  /// Drops the calls that wait, and waits for those that run. Not on a thread of this object.
  void stop();

  /// False if too many calls wait already, or after stop(). What `call` throws is logged.
  bool run(std::function<void()> call);

 private:
  void work();

  const std::size_t queue_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace quern::gateway
