// A job with a handle of its own: its state as reported by the actor, and the threads that wait for
// it. One mutex guards all; the actor holds it for the length of a push, readers for the length of
// one result.
#pragma once

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "client/handle.hpp"
#include "client/outbox.hpp"
#include "client/result_shelf.hpp"
#include "client/sink.hpp"
#include "client/stopping.hpp"
#include "quern/input.hpp"
#include "quern/options.hpp"

namespace quern::client {

class FullJob final : public JobHandle,
                      public JobSink,
                      public std::enable_shared_from_this<FullJob> {
 public:
  // single: one task and no reducer, so its result is known before its end. own: any other job of
  // this client. unfollowed: one that nobody has waited for yet, so that the broker tells nothing.
  // guest: another client's job; results come only when somebody reads.
  enum class Kind : std::uint8_t { single, own, unfollowed, guest };

  /// Of a job to be submitted.
  static Kind kind_of(const Input& input, const SubmitOptions& options);

  FullJob(JobKey key, Uuid uuid, Kind kind, std::shared_ptr<Outbox> outbox);
  ~FullJob() override;
  FullJob(const FullJob&) = delete;
  FullJob& operator=(const FullJob&) = delete;

  /// The input's source failed: the handle rethrows it. Before the cancel that it causes.
  void fail_source(std::exception_ptr error);
  JobNumber number_if_known();

  Uuid uuid() override;
  JobNumber number() override;
  std::string id() override;
  bool existing() override;
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
  const std::shared_ptr<CallbackQueue>& callbacks() override { return outbox_->callbacks(); }
  /// Cancels the job when a stop is requested. After its SubmitCommand was posted.
  void stop_with(const std::stop_token& token);
  Progress progress() override;
  /// Whether the broker has all of its input, or it has ended; the second function waits for that.
  bool is_taken();
  void wait_until_taken(std::chrono::milliseconds at_most);
  Encoding encoding() override;
  bool reduced() override;
  void cancel() override;
  void leave() override;
  void on_progress(std::function<void(const Progress&)> callback,
                   std::chrono::milliseconds interval) override;

  void on_accepted(const Accepted& accepted) override;
  void on_input_taken() override;
  std::optional<std::uint64_t> on_results(wire::Results results) override;
  void on_status(wire::JobUpdate update) override;
  void on_ended(Ended ended) override;
  void show_progress() override;

 private:
  using Lock = std::unique_lock<std::mutex>;

  /// Nothing more will come.
  bool over() const;
  /// Everything that a reader can get has arrived.
  bool has_everything() const;
  bool is_final() const { return quern::is_final(update_.status.state); }
  void start_reading();
  void acknowledge(ResultShelf::Reader reader);
  /// The next result in this order, if it is there.
  std::optional<TaskResult> take_next(Order order);
  /// How the job ended, or that it has not.
  Outcome outcome_locked() const;
  /// Posts the calls of those who wait for the end, if it has come. Releases the lock.
  void tell_end(Lock& lock);
  /// Waits until something has changed or a short time has passed; the caller must check again in
  /// both cases.
  void pause(Lock& lock) { pause_until(lock, std::chrono::steady_clock::time_point::max()); }
  void pause_until(Lock& lock, std::chrono::steady_clock::time_point until);
  void wake();
  [[noreturn]] void throw_end();
  /// What wait_for_intake() waits for.
  bool intake_is_decided() const;
  Intake intake_locked() const;
  /// Calls the callbacks that wait for the intake if it is decided, without the lock.
  void tell_intake(Lock& lock);
  /// Visits every portion as it arrives, outside the lock, until the end. Throws if the job cannot
  /// continue.
  template <typename Visit>
  void drain(Visit visit);
  Progress progress_locked() const;
  [[noreturn]] void throw_failed_tasks();

  const JobKey key_;
  const std::shared_ptr<Outbox> outbox_;

  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;

  Kind kind_;
  Uuid uuid_;
  JobNumber number_{};
  bool existing_ = false;
  enum class Taken : std::uint8_t { submitted, accepted, complete } taken_ = Taken::submitted;
  enum class Reading : std::uint8_t { no, yes } reading_;
  wire::JobUpdate update_;  // the last
  ResultShelf shelf_;
  Encoding encoding_ = Encoding::raw;
  std::vector<TaskError> errors_;
  std::optional<Ended> ended_;
  std::exception_ptr source_error_;
  std::optional<TaskResult> single_;  // kept, so that get() can be called again

  std::vector<EndCallback> end_callbacks_;
  std::vector<IntakeCallback> intake_callbacks_;
  std::function<void(const Progress&)> callback_;
  std::chrono::milliseconds interval_{0};
  std::uint32_t pace_ms_ = 0;
  std::chrono::steady_clock::time_point last_shown_;
  std::optional<Stopping> stopping_;  // set before other threads have the handle
};

}  // namespace quern::client
