#include "worker/actors/slot.hpp"

namespace quern::worker {

Slot::Slot(const Functions& functions, double cpu_share, Posts posts)
    : runner_(functions, cpu_share, std::move(posts.report)),
      post_done_(std::move(posts.done)),
      thread_([this] { loop(); }) {}

Slot::~Slot() {
  {
    std::lock_guard lock(mutex_);
    quit_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Slot::start(std::shared_ptr<Run> run) {
  {
    std::lock_guard lock(mutex_);
    next_ = std::move(run);
  }
  changed_.notify_one();
}

std::shared_ptr<Run> Slot::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return next_ || quit_; });
  return quit_ ? nullptr : std::exchange(next_, nullptr);
}

void Slot::loop() {
  while (auto run = wait()) {
    auto last = runner_.run(*run);
    run.reset();  // frees the lease before the slot reports that it is free
    post_done_(std::move(last));
  }
}

}  // namespace quern::worker
