#include "client/callback_queue.hpp"

#include <poll.h>
#include <signal.h>

#include <utility>

namespace quern::client {
namespace {

/// The queue whose functions this thread runs right now.
thread_local const CallbackQueue* running_queue = nullptr;

void run(const CallbackQueue::Call& call) {
  try {
    call();
  } catch (...) {
    // As documented: what a callback throws is dropped; a continuation's goes into its future.
  }
}

}  // namespace

CallbackQueue::~CallbackQueue() { close(); }

void CallbackQueue::post(Call call) {
  {
    std::lock_guard lock(mutex_);
    if (life_ != Life::closed) {
      if (life_ == Life::idle && where_ == Callbacks::thread) {
        life_ = Life::running;
        // Holds the queue: a function may let go of the client and everything that belongs to it.
        thread_ = std::thread([self = shared_from_this()] { self->serve(); });
      }
      calls_.post(std::move(call));
      return;
    }
  }
  run(call);
}

bool CallbackQueue::is_running_here() const { return running_queue == this; }

std::size_t CallbackQueue::run_all() {
  std::vector<Call> calls;
  calls_.drain(calls);
  const auto* before = std::exchange(running_queue, this);
  for (Call& each : calls) {
    const Call call = std::move(each);  // what it holds is freed before the next one
    run(call);
  }
  running_queue = before;
  return calls.size();
}

std::size_t CallbackQueue::dispatch() {
  if (where_ != Callbacks::dispatch) return 0;
  if (is_running_here()) return 0;  // a function that dispatches: the outer call goes on
  std::lock_guard lock(dispatching_);
  return run_all();
}

void CallbackQueue::serve() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  for (;;) {
    pollfd ready{calls_.fd(), POLLIN, 0};
    ::poll(&ready, 1, -1);
    while (run_all() > 0) {
    }
    std::lock_guard lock(mutex_);
    if (life_ != Life::closing) continue;
    life_ = Life::closed;
    break;
  }
  run_all();  // posted before it was closed
}

void CallbackQueue::close() {
  std::thread thread;
  {
    std::lock_guard lock(mutex_);
    if (life_ == Life::running) {
      life_ = Life::closing;
      calls_.post([] {});  // wakes the thread
      thread = std::move(thread_);
    } else if (life_ == Life::idle) {
      life_ = Life::closed;
    }
  }
  if (!thread.joinable()) {
    if (where_ == Callbacks::dispatch)
      while ((is_running_here() ? run_all() : dispatch()) > 0) {
      }
  } else if (is_running_here()) {
    thread.detach();  // a function destroys its own client; the thread ends after it
  } else {
    thread.join();
  }
}

}  // namespace quern::client
