// A job that a request follows, so that the end of its connection can end the waiting for it.
#pragma once

#include <mutex>
#include <optional>
#include <utility>

#include "quern/job.hpp"

namespace quern::gateway {

/// Any thread.
class HeldJob {
 public:
  explicit HeldJob(Job job) : job_(std::move(job)) {}

  /// A handle of its own; empty after release().
  Job job() {
    std::lock_guard lock(mutex_);
    return job_.value_or(Job());
  }
  /// The client has left: nobody waits for the job any more. `cancel`: nobody wants it either.
  void leave(bool cancel = false) {
    std::unique_lock lock(mutex_);
    if (!job_) return;
    const Job job = *job_;
    lock.unlock();  // callbacks of the job may call release()
    if (cancel) job.cancel();
    job.leave();
  }
  /// The request is done with the job. Whoever follows it next in the same session gets a handle of
  /// its own only when all others are gone.
  void release() {
    std::lock_guard lock(mutex_);
    job_.reset();
  }

 private:
  std::mutex mutex_;
  std::optional<Job> job_;
};

/// Releases the job at the end of a scope.
class Released {
 public:
  explicit Released(HeldJob& held) : held_(held) {}
  ~Released() { held_.release(); }
  Released(const Released&) = delete;
  Released& operator=(const Released&) = delete;

 private:
  HeldJob& held_;
};

}  // namespace quern::gateway
