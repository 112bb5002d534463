#include "gateway/broker/callers.hpp"

#include <cstdio>
#include <exception>
#include <utility>

namespace quern::gateway {

Callers::Callers(std::size_t threads, std::size_t queue_max) : queue_max_(queue_max) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

void Callers::stop() {
  std::deque<std::function<void()>> dropped;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
  }
  changed_.notify_all();
  for (std::thread& thread : std::exchange(threads_, {})) thread.join();
}

bool Callers::run(std::function<void()> call) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= queue_max_) return false;
    queue_.push_back(std::move(call));
  }
  changed_.notify_one();
  return true;
}

void Callers::work() {
  for (;;) {
    std::function<void()> call;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      call = std::move(queue_.front());
      queue_.pop_front();
    }
    try {
      call();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "quern-gateway: a request failed: %s\n", error.what());
    }
  }
}

}  // namespace quern::gateway
