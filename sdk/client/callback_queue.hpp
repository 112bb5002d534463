// Where continuations run: functions that wait to be called, one after the other, on a thread of
// the client or in Client::dispatch(). Any thread may call anything.
//
// The thread is started with the first function. After close(), which runs what is left, functions
// run at once on the thread that posts them, so each function runs exactly once in any case.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "quern/options.hpp"
#include "runtime/mailbox.hpp"

namespace quern::client {

class CallbackQueue : public std::enable_shared_from_this<CallbackQueue> {
 public:
  using Call = std::function<void()>;

  explicit CallbackQueue(Callbacks where) : where_(where) {}
  ~CallbackQueue();
  CallbackQueue(const CallbackQueue&) = delete;
  CallbackQueue& operator=(const CallbackQueue&) = delete;

  void post(Call call);
  /// Runs what is there now, on this thread; returns how many.
  std::size_t dispatch();
  /// Readable while something is there.
  int fd() const { return calls_.fd(); }
  Callbacks where() const { return where_; }
  /// Runs what is left and what that adds, and ends the thread.
  void close();
  /// Whether this thread is running one of the functions right now.
  bool is_running_here() const;

 private:
  void serve();
  std::size_t run_all();

  const Callbacks where_;
  runtime::Mailbox<Call> calls_;
  std::mutex mutex_;
  enum class Life { idle, running, closing, closed } life_ = Life::idle;
  std::mutex dispatching_;  // one thread at a time
  std::thread thread_;
};

}  // namespace quern::client
