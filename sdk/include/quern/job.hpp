/// @file
/// A handle to a submitted job, and what it tells about results, progress and the end.
#pragma once

#include <chrono>
#include <coroutine>
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

/// How a job ended, for programs that prefer values to exceptions; see Job::wait().
struct Outcome {
  JobState state = JobState::running;  ///< final, unless the wait timed out
  ErrorCode code = ErrorCode::none;    ///< why the job is not done; `none` when it is, or runs
  std::string text;                    ///< the reason in words, when the job is not done
  std::vector<TaskError> errors;       ///< the first 100 runs of failed tasks
  std::uint64_t done = 0;              ///< tasks with a result
  std::uint64_t failed = 0;            ///< tasks that failed

  /// @return whether the job has ended and every task has a result
  bool ok() const { return state == JobState::done; }
  /// @return whether the job has ended, well or not; false when the wait timed out
  bool finished() const { return is_final(state); }
};

/// What the broker answered to a submission, for programs that do not block; see Job::on_intake().
struct Intake {
  ErrorCode code = ErrorCode::none;  ///< why the broker does not have the job; `none` when it has
  std::string text;                  ///< the reason in words, when the broker does not have it
  Uuid uuid;                         ///< of the job
  JobNumber number{};                ///< of the job, when the broker has accepted it
  bool existing = false;             ///< as Job::existing()

  /// @return whether the broker has the job with all of its input
  bool ok() const { return code == ErrorCode::none; }
};

/// How one task ended.
struct TaskResult {
  std::uint64_t index = 0;  ///< of the task in its job; the one task of a single input has 0
  bool ok = true;           ///< whether there is a result
  /// The result, when `ok`. Otherwise what the task left before it failed, often nothing; see
  /// FailedWithOutput. Job::encoding() says how to read it.
  Bytes bytes;
  ErrorCode code = ErrorCode::none;   ///< why the task failed, when not `ok`
  std::string text;                   ///< the error in words, when not `ok`
  Encoding encoding = Encoding::raw;  ///< how to read `bytes`

  /// Decodes the result. Needs `quern/typed.hpp`.
  /// @tparam T a type that Codec knows
  /// @return the object
  /// @throws JobError with `code` and `text` when the task failed
  /// @throws std::invalid_argument when the result is no such object
  template <typename T>
  T get() const {
    if (!ok) throw JobError(code, text, {{index, 1, code, text}});
    return Codec<T>::decode(bytes, encoding);
  }
};

/// In which order task results are read.
enum class Order : std::uint8_t {
  input,      ///< as Job::next() does: that of the input
  completion  ///< as Job::next_completed() does
};

/// What a reader that does not wait forever finds; see Job::try_next().
struct Polled {
  std::optional<TaskResult> result;  ///< the next result; none: none has arrived yet, or `end`
  bool end = false;                  ///< there are no more; Job::wait() tells why

  /// @return whether there is a result
  explicit operator bool() const { return result.has_value(); }
};

/// How far a job is.
struct Progress {
  std::uint64_t total = 0;             ///< tasks known so far
  std::uint64_t done = 0;              ///< tasks with a result
  std::uint64_t failed = 0;            ///< tasks that failed
  std::uint64_t cancelled = 0;         ///< tasks that were cancelled
  bool open = false;                   ///< whether `total` may still grow
  double rate = 0;                     ///< recent speed, in tasks per second
  double eta_s = -1;                   ///< estimated seconds to the end; negative: unknown
  std::uint32_t workers = 0;           ///< workers that have finished some of it
  JobState state = JobState::waiting;  ///< as the broker reported it last
  std::string reason;                  ///< why the job waits, or did not end well; a sentence
  std::uint64_t retried = 0;           ///< runs of tasks beyond the first run of each
};

template <typename T>
class Future;

/// The SDK behind the public interface; not for programs.
namespace client {
class CallbackQueue;
class JobHandle;
}  // namespace client

/// A handle to a submitted job. It is cheap to copy, and copies share the job. Dropping the last
/// handle does not cancel the job: a job ends with its client, unless it is detached.
///
/// **Threads.** Any thread may call any function of any copy at any time. Calls that block must not
/// be made inside a callback: they throw std::logic_error there, because they would wait for the
/// thread that they are called on.
///
/// **Errors.** Unless said otherwise, a function throws
/// - Error (`unknown_job`) when the handle is empty, that is, default-constructed or moved from;
/// - ConnectionError when the broker cannot be reached, or the client was closed;
/// - SubmitError when the broker did not accept the job;
/// - JobError when the job was accepted but did not end well, or when it cannot be attached to;
/// - whatever Items::next threw, when that ended the job.
///
/// wait() reports all of them as an Outcome instead.
///
/// **Reading.** Each result is delivered once per job, by whichever of next(), next_completed(),
/// each() and get_all() comes first, whatever the copy or the thread. The broker sends up to 8 MiB
/// of unread results of a job, keeps the others, and pauses the job when they take too much of its
/// memory. So somebody has to read them, or to wait().
class Job {
 public:
  /// Makes an empty handle. wait() says so; all other functions throw Error (`unknown_job`).
  Job() = default;
  /// Used by Client.
  /// @param handle the job
  explicit Job(std::shared_ptr<client::JobHandle> handle) : handle_(std::move(handle)) {}

  /// The UUID by which any client of this principal can attach to the job. Does not block.
  /// @return the UUID; nil for a job that was attached to by its number and has not answered yet.
  ///         It changes once, when `unique` turns out to name an existing job. Coalesced single
  ///         inputs share one UUID.
  Uuid uuid() const;

  /// The number that the broker gave to the job. Blocks until the broker has accepted the job.
  /// @return the number; coalesced single inputs share one
  /// @throws SubmitError, ConnectionError or JobError when the job was not accepted
  JobNumber number() const;

  /// The job as commands of `quern` take it. Blocks as number() does.
  /// @return the number, for example "12"; "12.3456" for one task of a coalesced job
  /// @throws SubmitError, ConnectionError or JobError when the job was not accepted
  std::string id() const;

  /// An edge from this job, for ResultsOf and for SubmitOptions::after. Does not block: the jobs
  /// may be submitted one after the other without waiting.
  /// @param pattern which of its results
  /// @return the edge
  /// @throws Error (`bad_input`) for a single input that was coalesced with others, which is not a
  ///         job of its own: submit it with SubmitOptions::unique or `detach`
  JobEdge edge(EdgePattern pattern = EdgePattern::each) const;

  /// Whether the idempotency key (SubmitOptions::unique) named a job that had been submitted
  /// before, which this handle follows now. Blocks as number() does.
  /// @return false for the submission that created the job, also when it was repeated because the
  ///         connection was lost; false for a job that was attached to
  /// @throws SubmitError, ConnectionError or JobError when the job was not accepted
  bool existing() const;

  /// Blocks until the broker has all of the input. After that the program may end without taking
  /// away the input of a detached job.
  /// @throws SubmitError, ConnectionError or JobError when the job was not accepted or ended
  /// before,
  ///         and what Items::next threw
  void wait_for_intake() const;

  /// Registers a function that is called once, when wait_for_intake() would return or throw: the
  /// way to learn that the broker has the job (a durable one: on its disk) without a thread that
  /// waits. It is called soon when that has happened before. Each call adds one.
  /// @param callback called on a thread of the SDK, never inside this call, or inside leave(). Keep
  ///        it short: nothing else arrives meanwhile. What it throws is dropped. It is not called
  ///        after the Client was destroyed.
  void on_intake(std::function<void(const Intake&)> callback) const;

  /// Blocks until the job has ended. Reports errors as an Outcome and throws none, except for
  /// std::logic_error inside a callback (a timeout of 0 is allowed there).
  ///
  /// Unread results are taken into the memory of this process meanwhile, because a job does not go
  /// on while too many are unread; they can be read afterwards. This does not hold for an attached
  /// job that nobody has begun to read.
  /// @param timeout how long to wait at most; 0 only looks; none: until the end
  /// @return how the job ended, or an outcome that is not finished() when the time is over. When
  /// the
  ///         broker is gone for longer than ClientOptions::retry, the state is `lost` and the code
  ///         `no_broker`.
  Outcome wait(std::optional<std::chrono::milliseconds> timeout = std::nullopt) const;

  /// Blocks until the end and returns the one result of a job of one task, or of a reduced job. It
  /// may be called again.
  /// @return the result; nullopt for a job that was reduced over nothing and has no value
  /// @throws JobError when a task failed; also `bad_input` when the job has several results, or
  ///         when its only result was already read in another way
  /// @throws SubmitError or ConnectionError as described above
  std::optional<Bytes> get_optional() const;

  /// The same as get_optional(), for results that exist.
  /// @return the result
  /// @throws JobError also, with the code `bad_input`, when the job was reduced over nothing, which
  ///         has no value
  Bytes get() const;

  /// The same for a typed result. Needs `quern/typed.hpp`.
  /// @tparam T a type that Codec knows
  /// @return the object
  /// @throws std::invalid_argument when the result is no such object
  /// @throws JobError, SubmitError or ConnectionError as get() does
  template <typename T>
  T get() const {
    const Bytes bytes = get();
    return Codec<T>::decode(bytes, encoding());
  }

  /// Blocks until the end and returns all results in the order of the input, without those that
  /// were read before. All of them are in memory then; each() and next() need less.
  /// @return one result per task; for a reduced job its one value, or nothing
  /// @throws JobError when any task failed or was cancelled
  /// @throws SubmitError or ConnectionError as described above
  std::vector<Bytes> get_all() const;

  /// The same for typed results. Needs `quern/typed.hpp`.
  /// @tparam T a type that Codec knows
  /// @return one object per task; for a reduced job its one value, or nothing
  /// @throws std::invalid_argument when a result is no such object
  /// @throws JobError, SubmitError or ConnectionError as get_all() does
  template <typename T>
  std::vector<T> get_all() const {
    const std::vector<Bytes> all = get_all();
    const Encoding how = encoding();
    std::vector<T> objects;
    objects.reserve(all.size());
    for (const Bytes& bytes : all) objects.push_back(Codec<T>::decode(bytes, how));
    return objects;
  }

  /// Calls a function for each result as it arrives, on this thread. The bytes are not copied,
  /// which makes it the fastest way to read many results. Blocks until the end of the job.
  /// @param visit called with the index of the task and its result, which is valid during the call
  ///        only. Failed tasks are passed over. What it throws ends the reading and is rethrown.
  /// @throws JobError at the end, when any task failed or was cancelled
  /// @throws SubmitError or ConnectionError as described above
  void each(const std::function<void(std::uint64_t index, BytesView result)>& visit) const;

  /// The next task result in the order of the input. Blocks until it has arrived. A failed task is
  /// a result too (TaskResult::ok is false). A reduced job has no task results except failed tasks.
  /// @return the result; nullopt after the last one, or when the job was cancelled. wait() tells
  ///         which.
  /// @throws JobError when the broker has lost the job
  /// @throws SubmitError or ConnectionError when the job cannot go on
  std::optional<TaskResult> next() const;

  /// The next task result in the order of completion; otherwise as next().
  /// @return the result; nullopt after the last one, or when the job was cancelled
  /// @throws JobError when the broker has lost the job
  /// @throws SubmitError or ConnectionError when the job cannot go on
  std::optional<TaskResult> next_completed() const;

  /// The next task result, if it has arrived. Does not block, so it may be called in a callback. As
  /// for next(), somebody has to read on, or the job pauses.
  /// @param order which result is the next one
  /// @return the result, or that there is none yet, or that there are no more
  /// @throws JobError when the broker has lost the job
  /// @throws SubmitError or ConnectionError when the job cannot go on
  Polled try_next(Order order = Order::input) const;

  /// The next task result; waits for it for a while.
  /// @param timeout how long to wait at most
  /// @param order which result is the next one
  /// @return the result, or that it has not arrived in time, or that there are no more
  /// @throws JobError when the broker has lost the job
  /// @throws SubmitError or ConnectionError when the job cannot go on
  Polled next_for(std::chrono::milliseconds timeout, Order order = Order::input) const;

  /// Registers a function that is called once, when wait() would return, with what it would return:
  /// the way to wait for many jobs without a thread for each. It is called soon when the job has
  /// ended before, and with the code `shutdown` when the client is destroyed first. Results are
  /// taken into the memory of this process meanwhile, as in wait(). Each call adds one.
  /// @param callback called where the client runs continuations (see Future), never inside this
  ///        call while the client exists, and always once. It may block; other continuations of the
  ///        client wait then. What it throws is dropped.
  /// @param results whether the results of an attached job are received as well, so that get() and
  ///        get_all() return at once then. Those of this client's own jobs always are.
  void on_end(std::function<void(const Outcome&)> callback, bool results = false) const;

  /// The one result as a future. Needs `quern/future.hpp` and `quern/typed.hpp`.
  /// @tparam T a type that Codec knows, or void: only whether the job ended well
  /// @return a future whose get() returns, and throws, what get<T>() does
  template <typename T>
  Future<T> future() const;

  /// All results as a future. Needs `quern/future.hpp` and `quern/typed.hpp`.
  /// @tparam T a type that Codec knows
  /// @return a future whose get() returns, and throws, what get_all<T>() does
  template <typename T>
  Future<std::vector<T>> future_all() const;

  /// The end as a future, which has an outcome also when the job did not end well. Needs
  /// `quern/future.hpp`.
  /// @return a future whose get() returns what wait() does
  Future<Outcome> outcome() const;

  /// What `co_await job` waits with; not for programs.
  class Awaiter;

  /// `co_await job` suspends a coroutine until the job has ended, and gives what wait() returns. It
  /// is resumed where the client runs continuations; see Future. It is not suspended when the job
  /// has ended before.
  /// @return what the language needs
  Awaiter operator co_await() const;

  /// Where the client of this job runs continuations. Used by Future.
  /// @return the queue; null for an empty handle
  std::shared_ptr<client::CallbackQueue> callbacks() const;

  /// How far the job is, as the broker reported it last: up to four times a second while something
  /// changes. Does not block.
  /// @return the progress; all zeros before the first report
  Progress progress() const;

  /// How to read the results, as the function declares it. Does not block.
  /// @return the encoding; known with the first result or with the end, `raw` before
  Encoding encoding() const;

  /// Whether the job has a reducer, and so one result. Does not block.
  /// @return whether it is reduced; known when the job has ended, false before
  bool reduced() const;

  /// Asks the broker to cancel the job, or this one task of a coalesced job. Returns at once;
  /// wait() tells when the job has ended, which is before running functions notice.
  void cancel() const;

  /// Ends this handle for all its copies, as if the client had been closed: calls that wait, on
  /// other threads, end soon with the code `shutdown`, and so does every later call that would
  /// wait. The job itself goes on. Does not block. It has no effect on a job that has ended and was
  /// received as a whole, or on a coalesced single input.
  void leave() const;

  /// Registers a function that is called with the progress while the job runs, and once at its end,
  /// whatever the end is: also when the broker is gone or the Client is being destroyed. On a job
  /// that has already ended it is called once, soon. A coalesced single input reports only its end.
  /// Each call adds one; the shortest interval counts for all.
  /// @param callback called on a thread of the SDK, never inside this call, one call at a time.
  ///        Keep it short: no results arrive meanwhile. What it throws is dropped. It is not called
  ///        after the Client was destroyed.
  /// @param interval minimum time between two calls; clamped to 1 ms to 1 h
  void on_progress(std::function<void(const Progress&)> callback,
                   std::chrono::milliseconds interval) const;

 private:
  std::shared_ptr<client::JobHandle> handle_;
};

/// @cond
class Job::Awaiter {
 public:
  explicit Awaiter(Job job) : job_(std::move(job)) {}
  bool await_ready() const { return job_.wait(std::chrono::milliseconds(0)).finished(); }
  void await_suspend(std::coroutine_handle<> waiting) const {
    // The coroutine, and with it this object, may be gone before on_end() returns.
    const Job job = job_;
    job.on_end([waiting](const Outcome&) { waiting.resume(); });
  }
  Outcome await_resume() const { return job_.wait(std::chrono::milliseconds(0)); }

 private:
  Job job_;
};

inline Job::Awaiter Job::operator co_await() const { return Awaiter(*this); }
/// @endcond

}  // namespace quern
