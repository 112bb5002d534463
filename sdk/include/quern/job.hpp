// A handle to a submitted job. Cheap to copy (copies share the job); any thread may use any copy.
// Dropping the last handle does not cancel the job: it ends when its client ends (unless detached).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "quern/bytes.hpp"
#include "quern/error.hpp"
#include "quern/status.hpp"

namespace quern {

/// How a job ended, without exceptions.
struct Outcome {
  JobState state = JobState::running;  ///< final unless the wait timed out
  ErrorCode code = ErrorCode::none;
  std::string text;               ///< the reason, when not done
  std::vector<TaskError> errors;  ///< first 100 failed runs of tasks
  std::uint64_t done = 0;
  std::uint64_t failed = 0;

  bool ok() const { return state == JobState::done; }
  bool finished() const { return is_final(state); }
};

/// One task's end.
struct TaskResult {
  std::uint64_t index = 0;
  bool ok = true;
  Bytes bytes;  ///< the result, when ok; otherwise what the task had written before it failed, if
                ///< it left something
  ErrorCode code = ErrorCode::none;
  std::string text;  ///< the error, when not
};

struct Progress {
  std::uint64_t total = 0;  ///< tasks known so far
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  bool open = false;  ///< total may still grow
  double rate = 0;    ///< tasks per second
  double eta_s = -1;  ///< negative: unknown
  std::uint32_t workers = 0;
  JobState state = JobState::waiting;
  std::string reason;  ///< why it waits, when it does
  std::uint64_t retried = 0;
};

namespace client {
class JobHandle;
}

class Job {
 public:
  Job() = default;
  explicit Job(std::shared_ptr<client::JobHandle> handle) : handle_(std::move(handle)) {}

  Uuid uuid() const;
  /// The broker's number. Blocks until the broker has accepted the job; throws SubmitError or
  /// ConnectionError when it does not.
  JobNumber number() const;
  /// "12", or "12.3456" for one task of a coalesced job. Blocks like number().
  std::string id() const;
  /// Blocks until the broker has all of the input; a detached stream may be left alone after that.
  /// Throws as number() does, and what the source of the items threw.
  void wait_for_intake() const;

  /// Blocks until the job has ended. Never throws; `timeout` elapsed gives an unfinished outcome.
  /// Results that were not read are taken into this process's memory meanwhile, because a job does
  /// not go on while too many wait (not so for an attached job that nobody has begun to read). A
  /// broker that is gone ends the wait with state `lost` and the code no_broker.
  Outcome wait(std::optional<std::chrono::milliseconds> timeout = std::nullopt) const;

  /// The result of a job of one task, or of a reduced job (nullopt bytes: reduced over nothing).
  /// Throws JobError, SubmitError or ConnectionError.
  std::optional<Bytes> get_optional() const;
  /// The same, for results that exist; throws JobError when there is no value.
  Bytes get() const;
  /// All results in input order (those that next() has not delivered yet); the one value of a
  /// reduced job, or nothing. Throws JobError when any task failed.
  std::vector<Bytes> get_all() const;
  /// Calls `visit` for each result as it comes, on this thread, without a copy: the bytes are valid
  /// during the call. The fastest way to read many. Throws JobError at the end when any task
  /// failed, at once what `visit` throws.
  void each(const std::function<void(std::uint64_t index, BytesView result)>& visit) const;

  /// The next result in input order, or as completed; nullopt after the last. Each result is
  /// delivered once per job, whichever of them is called. A reduced job has none but its failed
  /// tasks. Throws ConnectionError or SubmitError when the job cannot go on, JobError when it was
  /// lost.
  std::optional<TaskResult> next() const;
  std::optional<TaskResult> next_completed() const;

  /// As last reported by the broker (four times a second while something changes); does not block.
  Progress progress() const;
  /// Encoding of the results, known with the first of them (or with the end).
  Encoding encoding() const;
  /// Whether the job has a reducer, and so one result; known when it has ended.
  bool reduced() const;

  /// Asks to cancel; returns at once. wait() tells when it is.
  void cancel() const;
  /// Called on an SDK thread at most every `interval` while the job runs, and once at its end. Each
  /// call adds a callback; the shortest interval counts for all. Keep it short; what it throws is
  /// dropped. Calls that would block throw there (std::logic_error): they would wait for the thread
  /// that they stand on.
  void on_progress(std::function<void(const Progress&)> callback,
                   std::chrono::milliseconds interval) const;

 private:
  std::shared_ptr<client::JobHandle> handle_;
};

}  // namespace quern
