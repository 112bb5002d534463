/// @file
/// Jobs that a task submits: Task::submit() and what it returns.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "quern/bytes.hpp"
#include "quern/error.hpp"
#include "quern/ids.hpp"
#include "quern/job.hpp"
#include "quern/status.hpp"

namespace quern {

/// How a job that a task submitted has ended, with all its results.
struct NestedEnd {
  Outcome outcome;                    ///< as Job::wait() returns it
  std::vector<TaskResult> results;    ///< in the order of the input; of failed tasks the first
                                      ///< 65,536 that were reported
  bool reduced = false;               ///< the job has a reducer, so that `value` is its result
  std::optional<Bytes> value;         ///< of a reduced job; empty when it was reduced over nothing
  Encoding encoding = Encoding::raw;  ///< how to read the results
};

/// A job that a task has submitted. Copies share the job. Dropping it does not cancel the job: that
/// goes on until the job of the task ends, or until this attempt of the task ends without a result.
///
/// **Waiting.** While a function of this class waits, the task gives its slot back, so that the
/// worker can run other tasks, also those of the job that is waited for. When the wait is over, the
/// task goes on at once, and the worker may run more tasks than it has slots for a moment. The time
/// limit of the task (SubmitOptions::timeout) includes the time that it waits.
///
/// **Threads.** Only the thread that called the function of the task, and only during that call.
///
/// **Errors.** Functions that return results throw
/// - SubmitError when the broker did not accept the job,
/// - JobError when it did not end well: with the code of the first failed task, or `cancelled`;
/// that
///   is also the code when the task itself was cancelled or exceeded its time limit meanwhile.
class NestedJob {
 public:
  /// What is behind a NestedJob; not for programs.
  class Handle {
   public:
    virtual ~Handle() = default;
    /// Blocks until the end.
    /// @return how it ended; the same object for every call
    virtual const NestedEnd& wait() = 0;
    /// Whether the broker accepted the job.
    /// @return that; known at the end
    virtual bool accepted() const = 0;
  };

  /// Used by the worker.
  /// @param handle the job
  explicit NestedJob(std::shared_ptr<Handle> handle) : handle_(std::move(handle)) {}

  /// Used by the worker.
  /// @return the job
  Handle& handle() const { return *handle_; }

  /// Blocks until the job has ended.
  /// @return how it ended; throws nothing
  Outcome wait() const { return handle_->wait().outcome; }

  /// Blocks until the end and returns how each task ended.
  /// @return one result per task that ended, in the order of the input; TaskResult::ok is false for
  ///         a task that failed. Empty for a reduced job, and for one that was not accepted.
  const std::vector<TaskResult>& results() const { return handle_->wait().results; }

  /// Blocks until the end and returns the one result of a job of one task, or of a reduced job.
  /// @return the result
  /// @throws JobError also, with the code `bad_input`, when the job has not exactly one result
  /// @throws SubmitError or JobError as described above
  Bytes get() const {
    std::vector<Bytes> all = get_all();
    if (all.size() != 1)
      throw JobError(ErrorCode::bad_input,
                     "the job has " + std::to_string(all.size()) + " results, not one");
    return std::move(all.front());
  }

  /// The same for a typed result. Needs `quern/typed.hpp`.
  /// @tparam T a type that Codec knows
  /// @return the object
  /// @throws std::invalid_argument when the result is no such object
  /// @throws SubmitError or JobError as get() does
  template <typename T>
  T get() const {
    const Bytes bytes = get();
    return Codec<T>::decode(bytes, handle_->wait().encoding);
  }

  /// Blocks until the end and returns all results in the order of the input.
  /// @return one result per task; for a reduced job its one value, or nothing
  /// @throws SubmitError or JobError as described above
  std::vector<Bytes> get_all() const {
    const NestedEnd& end = ended_well();
    std::vector<Bytes> all;
    if (end.reduced) {
      if (end.value) all.push_back(*end.value);
      return all;
    }
    all.reserve(end.results.size());
    for (const TaskResult& result : end.results) all.push_back(result.bytes);
    return all;
  }

  /// The same for typed results. Needs `quern/typed.hpp`.
  /// @tparam T a type that Codec knows
  /// @return one object per task; for a reduced job its one value, or nothing
  /// @throws std::invalid_argument when a result is no such object
  /// @throws SubmitError or JobError as get_all() does
  template <typename T>
  std::vector<T> get_all() const {
    std::vector<T> objects;
    for (const Bytes& bytes : get_all())
      objects.push_back(Codec<T>::decode(bytes, handle_->wait().encoding));
    return objects;
  }

 private:
  const NestedEnd& ended_well() const {
    const NestedEnd& end = handle_->wait();
    if (end.outcome.ok()) return end;
    if (!handle_->accepted()) throw SubmitError(end.outcome.code, end.outcome.text);
    const auto failed = std::find_if(end.results.begin(), end.results.end(),
                                     [](const TaskResult& result) { return !result.ok; });
    if (failed == end.results.end()) throw JobError(end.outcome.code, end.outcome.text);
    throw JobError(failed->code, failed->text, end.outcome.errors);
  }

  std::shared_ptr<Handle> handle_;
};

}  // namespace quern
