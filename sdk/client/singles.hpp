// Single submits coalesced: all whole inputs to the same function with the same options are tasks
// of one open job of this client. A handle is (job, index) and costs one small allocation; results
// find it by index.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "client/callbacks.hpp"
#include "client/handle.hpp"
#include "client/outbox.hpp"
#include "client/sink.hpp"
#include "client/stopping.hpp"

namespace quern::client {

class SingleGroup;

/// One task of a group. Its fields are written once, by the actor, before `state` is released.
class SingleJob final : public JobHandle {
 public:
  enum class State : std::uint8_t { waiting, done, failed, ended };

  SingleJob(std::shared_ptr<SingleGroup> group, std::uint64_t index)
      : group_(std::move(group)), index_(index) {}

  Uuid uuid() override;
  JobNumber number() override;
  std::string id() override;
  bool is_a_job() const override { return false; }
  bool existing() override { return false; }
  void wait_for_intake() override;
  void on_intake(IntakeCallback callback) override;
  Outcome wait(std::optional<std::chrono::milliseconds> timeout) override;
  std::optional<Bytes> get_optional() override;
  std::vector<Bytes> get_all() override;
  void each(const std::function<void(std::uint64_t, BytesView)>& visit) override;
  std::optional<TaskResult> next() override;
  std::optional<TaskResult> next_completed() override;
  Polled poll(std::chrono::milliseconds timeout, Order order) override;
  void on_end(EndCallback callback, bool results) override;
  const std::shared_ptr<CallbackQueue>& callbacks() override;
  /// Cancels the task when a stop is requested. Before other threads have the handle.
  void stop_with(const std::stop_token& token);
  Progress progress() override;
  Encoding encoding() override;
  bool reduced() override { return false; }
  void cancel() override;
  void on_progress(std::function<void(const Progress&)> callback,
                   std::chrono::milliseconds interval) override;

 private:
  friend class SingleGroup;
  State state() const { return state_.load(std::memory_order_acquire); }
  /// Throws if it did not end with a result.
  void await_result();
  /// How it ended, or that it has not. Takes no lock.
  Outcome outcome() const;
  std::vector<TaskError> errors() const;

  const std::shared_ptr<SingleGroup> group_;
  const std::uint64_t index_;
  Bytes bytes_;  // the result; the error's text when failed
  // What few tasks have, so that it costs the others a pointer only.
  struct Extras {
    std::optional<Bytes> output;       // of a failed task
    std::vector<EndCallback> at_end;   // guarded by the group
    std::optional<Stopping> stopping;  // set before others have the handle
  };
  Extras& extras() {
    if (!extras_) extras_ = std::make_unique<Extras>();
    return *extras_;
  }
  std::unique_ptr<Extras> extras_;  // made before others have the handle, or under the group's lock
  std::atomic<State> state_{State::waiting};
  std::atomic<bool> taken_{false};  // by next() or next_completed()
  Encoding encoding_ = Encoding::raw;
  ErrorCode code_ = ErrorCode::none;
};

class SingleGroup final : public JobSink, public std::enable_shared_from_this<SingleGroup> {
 public:
  SingleGroup(JobKey key, Uuid uuid, std::shared_ptr<InputQueue> queue,
              std::shared_ptr<Outbox> outbox)
      : key_(key), outbox_(std::move(outbox)), queue_(std::move(queue)), uuid_(uuid) {}

  /// Adds a task; nullptr if the group has ended.
  std::shared_ptr<SingleJob> submit(BytesView input);
  /// No further tasks; the job ends with those it has.
  void close() { queue_->end(); }

  void on_accepted(const Accepted& accepted) override;
  void on_input_taken() override {}
  std::optional<std::uint64_t> on_results(wire::Results results) override;
  void on_status(wire::JobUpdate update) override;
  void on_ended(Ended ended) override;
  void show_progress() override;

 private:
  friend class SingleJob;
  using Lock = std::unique_lock<std::mutex>;

  SingleJob* task(std::uint64_t index);
  /// Publishes how the task ended, and notes the last call of its callback.
  void finish(SingleJob& job, SingleJob::State state);
  void forget_finished();
  void end_all(Ended ended);
  /// Notes the calls of the callbacks that wait for the intake, if it is decided.
  void tell_intake();
  void pause(Lock& lock);
  void wake();

  const JobKey key_;
  const std::shared_ptr<Outbox> outbox_;
  const std::shared_ptr<InputQueue> queue_;

  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  Uuid uuid_;
  JobNumber number_{};
  std::deque<std::shared_ptr<SingleJob>>
      tasks_;  // tasks_[i] is task base_ + i; the finished prefix is forgotten
  std::uint64_t base_ = 0;
  std::uint64_t unfinished_ = 0;
  std::optional<Ended> ended_;
  JobState state_ = JobState::waiting;
  std::string reason_;                                             // why its tasks wait
  std::unordered_map<std::uint64_t, ProgressCallback> callbacks_;  // rarely used
  std::vector<IntakeCallback> intake_callbacks_;                   // until it is accepted
  // Calls of callbacks, which the actor makes when it has released the mutex; and those that it
  // passes on to where continuations run.
  std::vector<std::function<void()>> calls_;
  std::vector<std::function<void()>> continuations_;

  // Actor only.
  std::uint64_t received_ = 0;
  std::uint64_t unacknowledged_ = 0;  // bytes
};

}  // namespace quern::client
