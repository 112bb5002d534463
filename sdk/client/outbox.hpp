// Commands of the user's threads to the actor. Handles keep the outbox alive; when the actor has
// ended, commands are discarded.
#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <memory>
#include <variant>
#include <vector>

#include "client/callback_queue.hpp"
#include "client/core.hpp"
#include "client/input_queue.hpp"
#include "client/sink.hpp"
#include "runtime/mailbox.hpp"

namespace quern::client {

/// A new job. With `input`, its first payloads and all further ones are taken from there.
struct SubmitCommand {
  JobKey job{};
  std::shared_ptr<JobSink> sink;
  std::shared_ptr<InputQueue> input;
  wire::Submit submit;
};
struct AttachCommand {
  JobKey job{};
  std::shared_ptr<JobSink> sink;
  Follow follow;
};
struct InputReadyCommand {
  JobKey job{};
};
/// Empty `tasks`: the whole job.
struct CancelCommand {
  JobKey job{};
  wire::Interval tasks;
};
struct ConsumedCommand {
  JobKey job{};
  std::uint64_t to = 0;
};
struct AbandonCommand {
  JobKey job{};
};
struct WatchCommand {
  JobKey job{};
  std::uint64_t window = 0;
  std::uint32_t watch_ms = 0;
};
struct ShowProgressCommand {
  std::weak_ptr<JobSink> sink;
};
struct AskCommand {
  ClientCore::Question question;
  std::shared_ptr<std::promise<Reply>> reply;
};
/// A reader waits for results of this job, while unread results of others may fill the session's
/// window.
struct WantCommand {
  JobKey job;
};
struct StopCommand {};

using Command = std::variant<SubmitCommand, AttachCommand, InputReadyCommand, CancelCommand,
                             ConsumedCommand, AbandonCommand, WatchCommand, ShowProgressCommand,
                             AskCommand, WantCommand, StopCommand>;

class Outbox {
 public:
  explicit Outbox(Callbacks where = Callbacks::thread)
      : callbacks_(std::make_shared<CallbackQueue>(where)) {}
  ~Outbox() { callbacks_->close(); }
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  /// Where continuations of this client run.
  const std::shared_ptr<CallbackQueue>& callbacks() const { return callbacks_; }
  /// The same callback, called where the client's options say: on the actor's thread, or in
  /// dispatch().
  template <typename... A>
  std::function<void(A...)> bound(std::function<void(A...)> callback) const {
    if (callbacks_->where() == Callbacks::thread || !callback) return callback;
    return [queue = std::weak_ptr(callbacks_), callback = std::move(callback)](A... arguments) {
      if (const auto open = queue.lock())
        open->post([callback, ... held = std::decay_t<A>(arguments)] { callback(held...); });
    };
  }

  /// Any thread.
  void post(Command command) {
    if (!closed_.load(std::memory_order_acquire)) mailbox_.post(std::move(command));
  }

  /// Bytes of results that were received but not acknowledged, of all jobs with a handle of their
  /// own. Any thread.
  std::int64_t unread() const { return unread_.load(std::memory_order_relaxed); }
  void add_unread(std::int64_t bytes) { unread_.fetch_add(bytes, std::memory_order_relaxed); }

  // The actor only.
  void drain(std::vector<Command>& out) { mailbox_.drain(out); }
  int fd() const { return mailbox_.fd(); }
  void close() { closed_.store(true, std::memory_order_release); }

 private:
  const std::shared_ptr<CallbackQueue> callbacks_;
  runtime::Mailbox<Command> mailbox_;
  std::atomic<bool> closed_{false};
  std::atomic<std::int64_t> unread_{0};
};

}  // namespace quern::client
