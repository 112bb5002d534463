/// @file
/// What a function sees of a task, and how it returns results.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "quern/bytes.hpp"
#include "quern/ids.hpp"
#include "quern/input.hpp"
#include "quern/nested.hpp"
#include "quern/options.hpp"

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

  /// The number of the job, as `quern jobs` shows it. With index() it names the task.
  /// @return the number; 0 where there is no job: in a task made by a test, and in a program that
  ///         came with the job (`quern run --plugin`)
  virtual JobNumber job() const { return {}; }

  /// What the client said about the job (SubmitOptions::metadata).
  /// @return names and values, valid during the call; empty when there are none
  virtual const std::map<std::string, std::string>& metadata() const {
    static const std::map<std::string, std::string> none;
    return none;
  }

  /// Tells the people who watch the job something: `quern notes`, Client::notes(). The broker keeps
  /// the newest 200 lines of a job in memory only. At most 100 lines a second of a lease are sent;
  /// the next line says how many were left out. Does not block.
  /// @param line one line of text; longer ones than 4096 bytes are cut
  virtual void log(std::string_view line) { static_cast<void>(line); }

  /// Tells them how far this task is. Cheap enough for a loop: at most ten values a second of a
  /// task are sent. Forgotten when the task ends. Does not block.
  /// @param done part of the task that is done, 0 to 1; values outside are clamped, or ignored when
  ///        negative or not a number
  /// @param doing what it is doing, in a few words; may be empty
  virtual void progress(double done, std::string_view doing = {}) {
    static_cast<void>(done);
    static_cast<void>(doing);
  }

  /// Submits a job on behalf of the owner of this job, if that allows it (SubmitOptions::nested).
  /// It ends when the job of this task ends, or when this attempt of the task ends without a result
  /// (a retried task submits its jobs anew), so a task that needs the results waits for them. It
  /// can submit jobs itself only if its own options say `nested`, up to 16 levels deep. Does not
  /// block.
  ///
  /// Its durability is that of this job. Its `priority` is at most that of this job, and `detach`,
  /// `follow`, `durability` and `stop` mean nothing.
  /// @param function name of a function that workers offer
  /// @param input Items, Range or Whole; all items together have at most 1 MiB and 65,536 items
  /// @param options without `unique`, `blobs` and `after`
  /// @return the job, to wait for it; errors of the broker appear there
  /// @throws SubmitError with the code `denied` when the job of this task does not allow it; with
  ///         `limit` or `bad_input` for an input or an option that is not possible here
  virtual NestedJob submit(std::string function, Input input, SubmitOptions options = {}) {
    static_cast<void>(function);
    static_cast<void>(input);
    static_cast<void>(options);
    throw SubmitError(ErrorCode::denied, "this task cannot submit jobs");
  }
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
