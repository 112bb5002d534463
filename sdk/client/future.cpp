#include "quern/future.hpp"

#include "client/callback_queue.hpp"
#include "client/callbacks.hpp"

namespace quern::client {
namespace {

/// Calls of continuations that belong to no client. One that makes another future ready adds to the
/// list instead of calling from within, so that long chains need no deep stack.
thread_local std::vector<std::function<void()>>* inline_calls = nullptr;

void run_inline(std::vector<std::function<void()>> next) {
  if (inline_calls) {
    for (auto& call : next) inline_calls->push_back(std::move(call));
    return;
  }
  inline_calls = &next;
  for (std::size_t i = 0; i < next.size(); ++i) {
    const auto call = std::move(next[i]);  // the list may grow meanwhile
    try {
      call();
    } catch (...) {
      // Of a coroutine that lets exceptions through; there is nobody to tell.
    }
  }
  inline_calls = nullptr;
}

}  // namespace

bool FutureBase::done() {
  Lock lock(mutex_);
  return done_;
}

bool FutureBase::ready() { return done(); }

bool FutureBase::wait(std::optional<std::chrono::milliseconds> timeout) {
  check_may_block("Future::wait()");
  Lock lock(mutex_);
  if (timeout) return changed_.wait_for(lock, *timeout, [this] { return done_; });
  changed_.wait(lock, [this] { return done_; });
  return true;
}

void FutureBase::settle() {
  if (!done()) {
    check_may_block("Future::get()");
    if (queue_ && queue_->is_running_here())
      throw std::logic_error(
          "Future::get() of a continuation was called in a continuation, for which it would wait "
          "forever; use then() or co_await");
  }
  await();
}

void FutureBase::await() {
  Lock lock(mutex_);
  changed_.wait(lock, [this] { return done_; });
  if (error_) std::rethrow_exception(error_);
}

void FutureBase::cancel() {
  std::function<void()> cancel;
  {
    Lock lock(mutex_);
    if (!done_) cancel = cancel_;
  }
  if (cancel) cancel();
}

void FutureBase::on_cancel(std::function<void()> cancel) {
  Lock lock(mutex_);
  cancel_ = std::move(cancel);
}

std::exception_ptr FutureBase::error() {
  Lock lock(mutex_);
  return error_;
}

void FutureBase::on_ready(std::function<void()> next) {
  const auto self = shared_from_this();
  Lock lock(mutex_);
  if (done_) {
    lock.unlock();
    std::vector<std::function<void()>> one;
    one.push_back(std::move(next));
    run(std::move(one));
    return;
  }
  next_.push_back(std::move(next));
  const bool begins = !std::exchange(watched_, true);
  lock.unlock();
  if (begins) watch();
}

bool FutureBase::fail(std::exception_ptr why) {
  return finish([&] { error_ = std::move(why); });
}

bool FutureBase::finish(const std::function<void()>& set) {
  std::vector<std::function<void()>> next;
  std::function<void()> cancel;  // freed without the lock
  {
    Lock lock(mutex_);
    if (done_) return false;
    set();
    done_ = true;
    next = std::exchange(next_, {});
    cancel = std::exchange(cancel_, nullptr);
    changed_.notify_all();
  }
  run(std::move(next));
  return true;
}

void FutureBase::run(std::vector<std::function<void()>> next) {
  if (!queue_) return run_inline(std::move(next));
  for (auto& call : next) queue_->post(std::move(call));
}

}  // namespace quern::client
