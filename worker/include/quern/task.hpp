/// @file
/// What a function sees of a task, and how it returns results.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "quern/bytes.hpp"
#include "quern/input.hpp"

namespace quern {

/// What a function sees of the task that it runs. Valid during the call, on the thread of the call.
class Task {
 public:
  virtual ~Task() = default;

  /// The item, or the whole input.
  /// @return the input, valid during the call; empty for a function of a range
  virtual BytesView input() const = 0;

  /// How to read the input.
  /// @return as the client said; `value` for the integers of a range
  virtual Encoding encoding() const = 0;

  /// For functions of a range: the integers of this call, a few milliseconds of work.
  /// @return the range; empty for other functions
  virtual Range range() const = 0;

  /// The common input of the job (SubmitOptions::common).
  /// @return the bytes, valid as long as common_owner() is held; empty when there are none
  virtual BytesView common() const = 0;

  /// The owner of the memory of common(). A function may hold it, together with what it made of the
  /// common input, for the next task of the same job. When only the function holds it any more, the
  /// job is over for this worker; with a std::weak_ptr a function can tell.
  /// @return the owner; null when the job has no common input
  virtual std::shared_ptr<const void> common_owner() const = 0;

  /// The index of the task in its job, counted from 0.
  /// @return that of the first task, when the call runs several
  virtual std::uint64_t index() const = 0;

  /// Which run of the task this is.
  /// @return 1 for the first
  virtual std::uint32_t attempt() const = 0;

  /// Whether the task was cancelled or has exceeded its time limit: its result will not be used.
  /// Functions that take long should ask every few milliseconds and return. Until they return,
  /// their slot counts as stuck. Cheap: one relaxed atomic load.
  /// @return whether to return soon
  virtual bool cancelled() const = 0;
};

/// Thrown by a function, a reducer or a finishing step when another attempt would fail in the same
/// way (the input is wrong, say). The task is not tried again, whatever SubmitOptions::attempts
/// says, and ends with ErrorCode::permanent and this text. A function of a range that throws it for
/// several tasks is called again for parts of them, to find the tasks that fail. A merge or a
/// finishing step that throws it fails its job.
class Permanent : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Thrown by a function whose task failed but has produced output. Once the task has failed for
/// good, the output goes to the client with the error (TaskResult::bytes). Not for
/// tasks whose results a reducer combines.
class FailedWithOutput : public std::runtime_error {
 public:
  /// @param text the error in words
  /// @param output what the client gets with the error, encoded as a result
  /// @param permanent whether another attempt is of no use, as with Permanent
  FailedWithOutput(const std::string& text, Bytes output, bool permanent = false)
      : std::runtime_error(text), output_(std::move(output)), permanent_(permanent) {}

  /// @return what the client gets with the error
  const Bytes& output() const noexcept { return output_; }
  /// @return whether another attempt is of no use
  bool permanent() const noexcept { return permanent_; }

 private:
  Bytes output_;
  bool permanent_;
};

/// Where a function writes the one result of its task. Valid during the call.
class Output {
 public:
  /// Used by the worker.
  /// @param bytes where to append
  explicit Output(Bytes& bytes) : bytes_(bytes) {}

  /// Appends to the result.
  /// @param more the next bytes; a result has at most 64 MiB
  void append(BytesView more) { bytes_.append(more); }

  /// The buffer itself, for code that writes in place. Results of earlier tasks may stand before
  /// yours, so only append to it, and erase nothing that you did not append.
  /// @return the buffer
  Bytes& bytes() { return bytes_; }

 private:
  Bytes& bytes_;
};

/// A function of bytes: reads the task, appends its result, throws when it fails.
using Body = std::function<void(Task&, Output&)>;

/// Where a function of several items writes the outcome of each, in the order of the items.
class Answers {
 public:
  /// The outcome of one item.
  struct Answer {
    bool ok = true;  ///< whether there is a result
    Bytes bytes;     ///< the result, or the text of the error
  };

  /// The next item has this result.
  /// @param bytes the result
  void result(Bytes bytes) { all_.push_back({true, std::move(bytes)}); }
  /// The next item has failed.
  /// @param text the error in words
  void failure(std::string text) { all_.push_back({false, std::move(text)}); }
  /// @return the number of items that are answered
  std::size_t count() const { return all_.size(); }
  /// @return all answers, in the order of the items
  const std::vector<Answer>& all() const { return all_; }

 private:
  std::vector<Answer> all_;
};

/// A function of several items at a call, for work that has a cost per call: a program that is fed,
/// a GPU. The number of items follows from how long they take: about a millisecond of work; one, in
/// a job with a time limit. Items that the function leaves without an answer fail with the text of
/// what it throws. The Task describes the first of the items.
using BatchBody = std::function<void(Task&, const std::vector<BytesView>& items, Answers&)>;

}  // namespace quern
