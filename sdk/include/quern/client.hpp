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
#include <string>
#include <string_view>
#include <vector>

#include "quern/error.hpp"
#include "quern/input.hpp"
#include "quern/job.hpp"
#include "quern/options.hpp"
#include "quern/status.hpp"

namespace quern {

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

  /// Submits a job and returns at once. Single whole inputs to the same function with the same
  /// options are coalesced into one open job, so calling this in a loop is cheap (not with `name`,
  /// `detach`, `unique` or `reduce`).
  /// @param function name of the function, 1 to 255 bytes. When no worker offers it, the job waits,
  ///        and its status says so.
  /// @param input what it is applied to
  /// @param options how the job is run
  /// @return a handle, which also reports why the job was not accepted
  Job submit(std::string function, Input input, SubmitOptions options = {});

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
  /// @return the name: the BLAKE2b-256 hash of the content (RFC 7693), as 64 hexadecimal digits
  /// @throws std::system_error naming the file, when it cannot be read
  /// @throws std::runtime_error when the file changed while it was read
  /// @throws ConnectionError when the broker cannot be reached
  /// @throws Error with the reason of the broker: `limit` or `queue_full` when it has no room,
  ///         `denied`, `store`, `cancelled`
  std::string put(const std::string& file, std::optional<Durability> durability = {},
                  const std::function<void(std::uint64_t)>& sent = {},
                  const std::function<void(const Job&)>& on_job = {});

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
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quern
