// What a Job refers to: a job of its own, or one task of a coalesced job. Any thread may call
// anything; quern/job.hpp describes the functions.
#pragma once

#include "client/callbacks.hpp"
#include "quern/job.hpp"

namespace quern::client {

class JobHandle {
 public:
  virtual ~JobHandle() = default;
  virtual Uuid uuid() = 0;
  /// Whether it has a UUID of its own.
  virtual bool is_a_job() const { return true; }
  virtual JobNumber number() = 0;
  virtual std::string id() = 0;
  virtual bool existing() = 0;
  virtual void wait_for_intake() = 0;
  virtual void on_intake(IntakeCallback callback) = 0;
  virtual Outcome wait(std::optional<std::chrono::milliseconds> timeout) = 0;
  virtual std::optional<Bytes> get_optional() = 0;
  virtual std::vector<Bytes> get_all() = 0;
  virtual void each(const std::function<void(std::uint64_t, BytesView)>& visit) = 0;
  virtual std::optional<TaskResult> next() = 0;
  virtual std::optional<TaskResult> next_completed() = 0;
  virtual Polled poll(std::chrono::milliseconds timeout, Order order) = 0;
  virtual void on_end(EndCallback callback, bool results) = 0;
  virtual const std::shared_ptr<CallbackQueue>& callbacks() = 0;
  virtual Progress progress() = 0;
  virtual Encoding encoding() = 0;
  virtual bool reduced() = 0;
  virtual void cancel() = 0;
  /// A single input has no results to read, so there is nothing to leave.
  virtual void leave() {}
  virtual void on_progress(std::function<void(const Progress&)> callback,
                           std::chrono::milliseconds interval) = 0;
};

}  // namespace quern::client
