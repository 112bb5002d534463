/// @file
/// The entry to the SDK: a connection to a broker, which submits jobs and asks questions.
///
///     quern::Client client;
///     auto job = client.submit("square", quern::Items::of(values), {.name = "squares"});
///     auto squares = job.get_all();
///
/// Programs that show more: `sdk/examples/`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "quern/error.hpp"
#include "quern/future.hpp"
#include "quern/input.hpp"
#include "quern/job.hpp"
#include "quern/options.hpp"
#include "quern/status.hpp"

namespace quern {

class Schedules;

/// A connection to a broker. It can be moved, not copied.
///
/// **Threads.** Any thread may call any function at any time, except for destruction, move and
/// assignment, during which no other thread may use the object. All network work happens on one
/// thread of the client, which blocks all signals. The library installs no signal handlers, prints
/// nothing and does not end the process.
///
/// **Lost brokers.** A broker that is gone is looked for (ClientOptions::retry), and everything
/// resumes by itself when it is back.
///
/// **Errors.** submit() and attach() report errors through the handle that they return. The
/// functions that ask the broker block for the answer and throw ConnectionError when there is no
/// session, or Error with the code and the text of the broker: `denied` when this principal may not
/// do that, `unknown_job` or `expired` for a job that the broker does not have (any more), and
/// `limit` when more than 1,000 questions of this client are open.
class Client {
 public:
  /// Starts to connect, in the background. The first call that needs the broker waits for it, for
  /// ClientOptions::first_wait at most.
  /// @param options where and how to connect
  explicit Client(ClientOptions options = {});

  /// Tells the broker and closes, within a second, also when the broker is gone (but it waits up to
  /// 4 s for the broker to take the input of detached jobs). The broker cancels the jobs that are
  /// not detached after its grace period of 30 s. Handles stay valid; what is not finished ends
  /// with the code `shutdown`.
  ~Client();

  /// Takes over the connection and the jobs of another client, which may only be destroyed or
  /// assigned to afterwards. Handles stay valid.
  Client(Client&&) noexcept;
  /// Closes this client as the destructor does, then takes over the other one.
  /// @return this client
  Client& operator=(Client&&) noexcept;

  /// Submits a job and returns at once. Single whole inputs to the same function with equal options
  /// are coalesced into one open job, so calling this in a loop is cheap (not with `detach`,
  /// `unique`, `reduce` or `deadline`). Those with a name or metadata are coalesced with others of
  /// the same name and metadata, from the second one on; `stop` never matters.
  /// @param function name of the function, 1 to 255 bytes. When no worker offers it, the job waits,
  ///        and its status says so.
  /// @param input what it is applied to
  /// @param options how the job is run
  /// @return a handle, which also reports why the job was not accepted
  Job submit(std::string function, Input input, SubmitOptions options = {});

  /// Submits one typed input and returns at once; cheap in a loop, as submit() is. Needs
  /// `quern/typed.hpp`.
  /// @tparam R type of the result, which Codec knows
  /// @tparam A type of the argument, which Codec knows
  /// @param function name of a function, typically one of Functions::add
  /// @param argument its argument, sent as a value
  /// @param options how the job is run
  /// @return a future of the result; its get() throws what Job::get() does
  template <typename R, typename A>
  Future<R> call(std::string function, const A& argument, SubmitOptions options) {
    return submit(std::move(function),
                  Whole{Codec<std::decay_t<const A&>>::encode(argument), Encoding::value},
                  std::move(options))
        .template future<R>();
  }
  /// The same with the default options.
  /// @tparam R type of the result, which Codec knows
  /// @tparam A type of the argument, which Codec knows
  /// @param function name of a function
  /// @param argument its argument, sent as a value
  /// @return a future of the result
  template <typename R, typename A>
  Future<R> call(std::string function, const A& argument) {
    // No default argument: g++ 12 destroys a `{}` inside a `co_await` expression wrongly.
    return call<R>(std::move(function), argument, SubmitOptions());
  }

  /// Submits the elements of a container as the items of one job and returns at once. Needs
  /// `quern/typed.hpp`.
  /// @tparam R type of the results, which Codec knows
  /// @tparam Container a container as Items::values_of() takes it
  /// @param function name of a function of one item
  /// @param items the elements, sent as values
  /// @param options how the job is run
  /// @return a future of the results, in the order of the elements; its get() throws what
  ///         Job::get_all() does, that is, when any of the tasks failed
  template <typename R, typename Container>
  Future<std::vector<R>> map(std::string function, Container items, SubmitOptions options) {
    return submit(std::move(function), Items::values_of(std::move(items)), std::move(options))
        .template future_all<R>();
  }
  /// The same with the default options.
  /// @tparam R type of the results, which Codec knows
  /// @tparam Container a container as Items::values_of() takes it
  /// @param function name of a function of one item
  /// @param items the elements, sent as values
  /// @return a future of the results, in the order of the elements
  template <typename R, typename Container>
  Future<std::vector<R>> map(std::string function, Container items) {
    return map<R>(std::move(function), std::move(items), SubmitOptions());
  }

  /// A descriptor for event loops: it is readable while callbacks, continuations or coroutines of
  /// this client wait for dispatch(). Poll it (level-triggered) and call dispatch() then; read
  /// nothing from it. `sdk/examples/event_loop.cpp` does so with Boost.Asio.
  /// @return the descriptor, which the client closes
  /// @throws std::logic_error without Callbacks::dispatch
  int descriptor() const;

  /// Runs the callbacks, continuations and coroutines that are ready, on this thread, one after the
  /// other; what they make ready is run by the next call. Does not wait. A thread that waits for a
  /// continuation (Future::get()) does not dispatch, so do not wait on the thread that does. With
  /// Callbacks::thread there is nothing to run.
  /// @return how many were run
  std::size_t dispatch();

  /// Gives a file of any size to the broker, unless the broker has it already, and returns the name
  /// of the file for SubmitOptions::blobs. The broker keeps the file as long as a job needs it and
  /// one hour longer, for jobs of this principal only. Blocks until the broker has all of it.
  /// @param file path of the file; it must not change meanwhile
  /// @param durability that of the jobs that will use the file
  /// @param sent called now and then, on another thread, with the number of bytes that were handed
  ///        over so far; may be empty
  /// @param on_job called on this thread with the job that carries the file, before the wait for it
  ///        begins, and again when another client gave up the same upload; may be empty. It may be
  ///        the job of another client of the same principal. Cancelling it ends the upload.
  /// @param stop when its stop is requested, the upload is given up: the call throws Error
  ///        (`cancelled`) soon, also if the broker does not answer
  /// @return the name: the BLAKE2b-256 hash of the content (RFC 7693), as 64 hexadecimal digits
  /// @throws std::system_error naming the file, when it cannot be read
  /// @throws std::runtime_error when the file changed while it was read
  /// @throws ConnectionError when the broker cannot be reached
  /// @throws Error with the reason of the broker: `limit` or `queue_full` when it has no room,
  ///         `denied`, `store`, `cancelled`
  std::string put(const std::string& file, std::optional<Durability> durability = {},
                  const std::function<void(std::uint64_t)>& sent = {},
                  const std::function<void(const Job&)>& on_job = {}, std::stop_token stop = {});

  /// Gets a file that put() gave, also by another client of this principal; with the role `admin`,
  /// a file of anybody. Checks the content against the name, and hands over the last part only if
  /// they match; so what was taken is the whole file if and only if this returns true. Blocks.
  /// @param name the name of the file
  /// @param take called on this thread with the parts of the file in order, each up to 1 MiB and
  ///        valid during the call; not called for an empty file. Returns whether to go on.
  /// @return false when `take` has ended it
  /// @throws ConnectionError when the broker cannot be reached, or is not back in time
  ///         (ClientOptions::retry)
  /// @throws Error with `unknown_job` when the broker does not have the file, or not for this
  ///         principal; `malformed` when its content does not match its name; `bad_input` when the
  ///         name is not a name; `store` when it cannot be read
  bool fetch(const std::string& name, const std::function<bool(BytesView)>& take);

  /// Follows an existing job, which any client may have submitted. Returns at once. Results travel
  /// only when somebody reads them, and reading frees nothing at the broker, so several clients can
  /// read all of them. A job of this client gives the handle that submit() gave; once its last
  /// handle was dropped, its results are gone for this client.
  /// @param number the number of the job
  /// @return a handle. Its calls throw ConnectionError without a broker, and JobError with the code
  ///         of the broker when the job cannot be followed: `unknown_job` for a job that it does
  ///         not know, `expired` for one that it does not keep any more, `denied` for one of
  ///         another principal.
  Job attach(JobNumber number);

  /// The same by UUID, which is known before the broker has answered and is not reused by a broker
  /// without a store.
  /// @param uuid the UUID of the job
  /// @return a handle, as above
  Job attach(Uuid uuid);

  /// Jobs that the broker submits by itself at their time. Needs `quern/schedules.hpp`. Does not
  /// block.
  /// @return the calls about schedules
  Schedules schedules();

  /// Where this client connects to. Does not block.
  /// @return the endpoint, e.g. "tcp://127.0.0.1:7600"; valid as long as the client
  const std::string& endpoint() const;

  /// Blocks until there is a session. Other calls connect by themselves; this one tells early
  /// whether there is a broker.
  /// @throws ConnectionError with what to do, when there is none
  void connect();

  /// Lists jobs that this principal may see, newest first. The lists inside (`shares`, `spans`) are
  /// empty.
  /// @param limit maximum number of jobs
  /// @return their states
  std::vector<JobStatus> jobs(std::size_t limit = 100);

  /// Lists the jobs that this principal may see and that meet some conditions, newest first. Asks
  /// the broker as often as it takes to find `query.limit` of them or to reach the oldest job; the
  /// broker examines up to 20,000 jobs for each answer, fewer with `name` or `text`.
  /// @param query the conditions, and where to begin
  /// @return their states, and where the next page begins
  /// @throws Error with `bad_input` when a condition is longer than 255 bytes or not UTF-8
  JobPage jobs(const JobQuery& query);

  /// The state of one job, with what each worker did for it (JobStatus::shares).
  /// @param number the number of the job
  /// @return its state
  JobStatus job(JobNumber number);

  /// Cancels a job, or some tasks of it. A reduced job can only be cancelled as a whole.
  /// @param number the number of the job
  /// @param first_task index of the first task, when `task_count` is above 0
  /// @param task_count number of tasks; 0: the whole job
  /// @return the state of the job after that
  JobStatus cancel(JobNumber number, std::uint64_t first_task = 0, std::uint64_t task_count = 0);

  /// Cancels the tasks of a job that no worker has begun, also those that are appended later. The
  /// job ends when the running tasks have ended.
  /// @param number the number of the job
  /// @return the state of the job after that
  JobStatus cancel_waiting(JobNumber number);

  /// Runs the failed tasks of a job that has ended again, each with all its attempts, and nothing
  /// else of it.
  /// @param number the number of the job
  /// @return the state of the job, which runs again
  /// @throws Error also with `bad_input`, when the job still runs, when none of its tasks failed,
  /// or
  ///         when it is at_most_once
  JobStatus retry(JobNumber number);

  /// Runs some of the failed tasks of a job that has ended again, each with all its attempts.
  /// Conditions on errors apply to the errors that the broker still holds: a job that is neither
  /// detached nor has an idempotency key loses them when its client has read them.
  /// @param number the number of the job
  /// @param query which tasks, and whether only to count them
  /// @return the state of the job, and the number of tasks
  /// @throws Error also with `bad_input`, when the job still runs, when no task meets the
  ///         conditions, or when the job is at_most_once
  Touched retry(JobNumber number, const RetryQuery& query);

  /// Cancels a job or some tasks of it. A reduced job can only be cancelled as a whole.
  /// @param number the number of the job
  /// @param query which tasks, and whether only to count them
  /// @return the state of the job after that, and the number of tasks
  /// @throws Error also with `bad_input`, when some tasks of a reduced job are meant
  Touched cancel(JobNumber number, const CancelQuery& query);

  /// Appends items to a job that was submitted with the input Open. The broker takes them in
  /// batches of up to 1 MiB, each as a whole and, of a durable job, on its disk. Blocks until it
  /// has all of them, and waits while it has no room. Several clients may append to a job in turn.
  /// @param number the number of the job
  /// @param items the items, each at most 64 MiB; none is allowed
  /// @param options their position, whether they are the last, how long to wait for room
  /// @return the state of the job after that; JobStatus::total is the number of its items
  /// @throws Error also with `bad_input`, when the job is closed or takes no items from others;
  ///         `conflict`, when it does not have as many items as expected; `queue_full`, when there
  ///         was no room. The text says how many of the items were appended, if any were.
  JobStatus append(JobNumber number, const std::vector<Bytes>& items,
                   const AppendOptions& options = {});

  /// Closes a job that was submitted with the input Open: it takes no more items, and ends when
  /// those that it has have ended.
  /// @param number the number of the job
  /// @return the state of the job after that
  /// @throws Error also with `bad_input`, when the job is closed already
  JobStatus close(JobNumber number);

  /// Keeps a job from getting more leases. The tasks that workers hold already continue; the job
  /// can still be appended to, read and cancelled. It stays paused until it is resumed or ends; a
  /// durable job also over restarts of the broker. Pausing a paused job changes nothing. It needs
  /// the rights that cancelling it needs.
  /// @param number the number of the job
  /// @return the state of the job after that
  /// @throws Error also with `bad_input`, when the job has ended
  JobStatus pause(JobNumber number);

  /// Lets a paused job get leases again. It changes nothing when the job is not paused.
  /// @param number the number of the job
  /// @return the state of the job after that
  /// @throws Error also with `bad_input`, when the job has ended
  JobStatus resume(JobNumber number);

  /// Lists all workers, ordered by name, including those that were lost within the last hour.
  /// @return their states
  std::vector<WorkerStatus> workers();

  /// The state of the broker, with what it has counted since it was started. Suitable for a
  /// monitoring system: the cost does not depend on the number of jobs.
  /// @return its state
  BrokerStatus broker();

  /// Groups the errors of a job. It covers the errors that the broker still holds: a job that is
  /// neither detached nor has an idempotency key loses them when its client has read them. Asks the
  /// broker as often as it takes; each answer covers up to 5,000 errors.
  /// @param number the number of the job
  /// @param limit maximum number of groups
  /// @return the groups
  ErrorGroups errors(JobNumber number, std::size_t limit = 100);

  /// Shows in which state the tasks of a job are. The work grows with the number of intervals, not
  /// with the number of tasks. A page of a running job is a picture of one moment; the next one is
  /// of a later moment.
  /// @param number the number of the job
  /// @param from index of the first task
  /// @param limit maximum number of intervals, up to 1000
  /// @return the intervals from there on
  TaskPage tasks(JobNumber number, std::uint64_t from = 0, std::size_t limit = 1000);

  /// What the tasks of a job said about themselves: Task::log() and Task::progress(). The broker
  /// keeps the newest 200 lines of a job in memory, and forgets them when it is restarted.
  /// @param number the number of the job
  /// @return the lines, oldest first; then the progress of running tasks, by index
  std::vector<TaskNote> notes(JobNumber number);

  /// Explains why a job is where it is: why it waits, where it runs, when it should end.
  /// @param number the number of the job
  /// @return sentences for people; their wording may change
  std::vector<std::string> explain(JobNumber number);

  /// The state of one job, with what happened to its leases (JobStatus::spans).
  /// @param number the number of the job
  /// @return its state
  JobStatus timeline(JobNumber number);

  /// Asks a worker to finish what it runs, to hand back the rest, and to leave.
  /// @param worker its name
  /// @return a sentence of the broker, for people
  std::string drain(std::string_view worker);

 private:
  friend class Schedules;
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quern
