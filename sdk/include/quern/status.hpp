/// @file
/// What the broker tells about jobs, workers and itself. Plain values, which are also what travels
/// on the wire: `sdk/wire/PROTOCOL.md` lists the same fields. Names that end in `_us` are
/// microseconds, names that end in `_s` are seconds. Counters of tasks and leases begin at 0.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "quern/bytes.hpp"
#include "quern/edges.hpp"
#include "quern/error.hpp"
#include "quern/ids.hpp"

namespace quern {

/// Where a job is in its life. `done`, `failed`, `cancelled` and `lost` are final.
enum class JobState : std::uint8_t {
  waiting,    ///< nothing of it has run yet
  running,    ///< some of it has run
  done,       ///< every task has a result
  failed,     ///< the job or some of its tasks failed
  cancelled,  ///< it was cancelled, or its owner disappeared
  lost,       ///< it was in the memory of a broker that was restarted
  unknown     ///< no job of that identifier is known
};

/// @param state a state
/// @return its word on the wire and in `--json`, e.g. "running"; empty for a value outside the
///         enumeration
std::string_view to_string(JobState state);

/// @param s a state
/// @return whether a job in that state has ended and changes no more (but see Client::retry())
constexpr bool is_final(JobState s) { return s >= JobState::done && s != JobState::unknown; }

/// What a client gave as the input of a job.
enum class InputKind : std::uint8_t {
  whole,  ///< one input that is not split; see Whole
  items,  ///< a list of items; see Items
  range   ///< the integers of a range; see Range
};

/// @param kind a kind of input
/// @return its word on the wire, e.g. "items"; empty for a value outside the enumeration
std::string_view to_string(InputKind kind);

/// What a function takes at a call.
enum class Takes : std::uint8_t {
  whole,  ///< a whole input
  item,   ///< one item, or one integer of a range
  range   ///< a part of a range
};

/// @param takes what a function takes
/// @return its word on the wire, e.g. "item"; empty for a value outside the enumeration
std::string_view to_string(Takes takes);

/// Whether a job survives a restart of the broker.
enum class Durability : std::uint8_t {
  memory,    ///< no: the job is lost with the broker
  durable,   ///< yes: nothing is acknowledged before it is on the disk
  automatic  ///< durable when the broker has a store; asked for, never what a job has
};

/// @param durability a durability
/// @return its word on the wire, e.g. "durable"; empty for a value outside the enumeration
std::string_view to_string(Durability durability);

/// What one worker did for one job.
struct WorkerShare {
  std::string worker;         ///< name of the worker
  std::uint64_t leases = 0;   ///< leases that it finished
  std::uint64_t tasks = 0;    ///< tasks that it finished
  std::uint64_t busy_us = 0;  ///< slot time that it spent
  double rate = 0;            ///< measured speed of one slot on this function, in tasks per second
  std::uint32_t slots = 0;    ///< slots of the worker

  /// @return whether all fields are equal
  bool operator==(const WorkerShare&) const = default;
};

/// What happened to one lease of a job. Times count from the submission of the job.
struct LeaseSpan {
  std::string worker;  ///< name of the worker
  /// Lane of the worker in a chart. Leases that overlap have different lanes, as in slots.
  std::uint32_t lane = 0;
  /// When the lease began: when it was granted, or when its slot had finished what it did before.
  std::uint64_t begin_us = 0;
  std::uint64_t end_us = 0;  ///< when it ended; now, if it is running
  std::uint64_t first = 0;   ///< index of its first task
  std::uint64_t tasks = 0;   ///< tasks that were finished in it
  std::string outcome;       ///< "done", "given back", "lost" or "running"

  /// @return whether all fields are equal
  bool operator==(const LeaseSpan&) const = default;
};

/// The state of a job.
struct JobStatus {
  Uuid uuid;                           ///< identifier made by its client
  JobNumber number{};                  ///< identifier made by the broker
  std::string name;                    ///< SubmitOptions::name
  std::string function;                ///< name of the function
  std::string owner;                   ///< principal that submitted it
  InputKind input = InputKind::whole;  ///< what it was submitted with
  std::string decision;    ///< how the job is split, and why; a sentence, empty until it is decided
  bool divisible = false;  ///< whether it is split into several tasks
  std::string reduce;      ///< reducer in use; empty: none
  Encoding encoding = Encoding::raw;    ///< of the results
  JobState state = JobState::waiting;   ///< where it is in its life
  bool paused = false;                  ///< gets no more leases; see Client::pause()
  std::string reason;                   ///< why it waits, failed or was cancelled; a sentence
  ErrorCode failure = ErrorCode::none;  ///< why it ended in another state than `done`
  bool open = false;                    ///< more input may be appended
  std::uint64_t total = 0;              ///< tasks known so far
  std::uint64_t pending = 0;            ///< tasks that are leased to nobody
  std::uint64_t leased = 0;             ///< tasks that are leased to workers
  std::uint64_t done = 0;               ///< tasks with a result
  std::uint64_t failed = 0;             ///< tasks that failed
  std::uint64_t cancelled = 0;          ///< tasks that were cancelled
  std::int32_t priority = 0;            ///< SubmitOptions::priority
  double weight = 1;                    ///< SubmitOptions::weight
  Durability durability = Durability::memory;  ///< whether it survives a restart of the broker
  bool detached = false;                       ///< whether it outlives its client
  std::uint32_t attempts = 3;                  ///< maximum number of runs of a task that fails
  bool idempotent = false;                     ///< SubmitOptions::idempotent
  bool at_most_once = false;                   ///< SubmitOptions::at_most_once
  std::uint64_t kept_us = 0;       ///< how much longer the ended job is kept; 0: it has not ended
  std::uint64_t retried = 0;       ///< runs of tasks beyond the first run of each
  std::uint64_t age_us = 0;        ///< time since it was accepted
  std::uint64_t run_us = 0;        ///< time from its first lease to its end, or to now
  double rate = 0;                 ///< recent speed, in tasks per second
  double eta_s = -1;               ///< estimated seconds to the end; negative: unknown
  double eta_error_s = -1;         ///< uncertainty of `eta_s`, plus or minus; negative: unknown
  std::uint64_t copies = 0;        ///< speculative attempts that were started for overdue leases
  double wasted_s = 0;             ///< slot-seconds spent on the slower of two attempts
  std::uint64_t queued_bytes = 0;  ///< bytes of payloads that the broker holds
  std::uint64_t result_bytes = 0;  ///< bytes of results that the broker holds
  std::uint64_t workers = 0;       ///< workers that have finished some of it
  std::uint64_t blocked = 0;       ///< tasks that wait for results of other tasks
  std::vector<JobEdge> edges;      ///< the jobs that it takes results from, or waits for
  /// Numbers of the jobs that take its results, or wait for it; the first 100.
  std::vector<std::uint64_t> consumers;
  std::uint64_t deadline_ms = 0;  ///< SubmitOptions::deadline, counted like `age_us`; 0: none
  std::uint64_t start_at_ms = 0;  ///< while it waits for its time: when it starts, in ms since 1970
                                  ///< (UTC); 0: it does not wait
  /// SubmitOptions::metadata. Filled where `shares` is.
  std::map<std::string, std::string> metadata{};
  bool nested = false;            ///< SubmitOptions::nested
  JobNumber parent{};             ///< the job whose task submitted it; 0: a client did
  std::uint64_t parent_task = 0;  ///< with `parent`: index of the task
  /// Numbers of unfinished jobs that its tasks have submitted; up to 100.
  std::vector<std::uint64_t> children{};
  std::uint64_t waiting_tasks = 0;  ///< leased tasks that wait for jobs that they have submitted
  /// What each worker did; of very many workers, those that did most. Filled by Client::job(),
  /// Client::timeline(), and by what changes a job, like Client::cancel().
  std::vector<WorkerShare> shares;
  /// Its leases; the first ones when there were very many. Filled by Client::timeline().
  std::vector<LeaseSpan> spans;

  /// @return whether all fields are equal
  bool operator==(const JobStatus&) const = default;
};

/// Where a task is in its life.
enum class TaskState : std::uint8_t {
  waiting,    ///< nobody has it
  retrying,   ///< it failed, and waits for its next attempt
  leased,     ///< a worker has it
  unsure,     ///< a worker had it before the broker was restarted, and may still have it
  done,       ///< it has a result
  failed,     ///< it failed for good
  cancelled,  ///< it was cancelled
  ended,      ///< it is done or was cancelled; the broker does not know any more which
  unknown,    ///< a word of a newer broker
  blocked     ///< it waits for results of other tasks
};

/// The word of a state, as the wire protocol and `--json` spell it. Any thread.
/// @param state a state of tasks
/// @return for example "leased"; never empty
std::string_view to_string(TaskState state);

/// Consecutive tasks in the same state.
struct TaskSpan {
  std::uint64_t first = 0;               ///< index of the first task
  std::uint64_t count = 0;               ///< number of tasks, at least 1
  TaskState state = TaskState::waiting;  ///< where all of them are
  std::string worker{};                  ///< name of the worker that has them, while `leased`
  std::uint32_t attempt = 0;             ///< number of the attempt, while `leased`

  /// @return whether all fields are equal
  bool operator==(const TaskSpan&) const = default;
};

/// Some of the tasks of a job.
struct TaskPage {
  std::vector<TaskSpan> spans;  ///< in the order of their indexes, without gaps
  std::uint64_t next = 0;       ///< index at which the next page begins; 0: there is none
};

/// What a task said about itself: a line of its log, or how far it is. See Client::notes().
struct TaskNote {
  std::uint64_t task = 0;    ///< index of the task in its job
  double progress = -1;      ///< part of the task that is done, 0 to 1; negative: a line of its log
  std::string text{};        ///< the line, or what the task is doing; at most 4096 bytes
  std::string worker{};      ///< name of the worker that runs or ran the task
  std::uint64_t age_us = 0;  ///< time since the broker received it

  /// @return whether all fields are equal
  bool operator==(const TaskNote&) const = default;
};

/// Failed tasks whose errors are alike: equal codes, and texts that differ only in numbers.
struct ErrorGroup {
  ErrorCode code = ErrorCode::none;  ///< why they failed
  std::string text;                  ///< the text that they share, with `<n>` for each number
  std::uint64_t count = 0;           ///< tasks
  std::uint64_t first = 0;           ///< lowest index of a task
  std::uint64_t last = 0;            ///< highest index of a task
  std::string example;               ///< the text of one of them

  /// @return whether all fields are equal
  bool operator==(const ErrorGroup&) const = default;
};

/// The errors of a job.
struct ErrorGroups {
  std::vector<ErrorGroup> groups;  ///< those of most tasks first
  std::uint64_t more = 0;          ///< further groups that are not listed
  std::uint64_t tasks = 0;         ///< failed tasks in all groups
};

/// Consecutive tasks of a job.
struct TaskInterval {
  std::uint64_t begin = 0;  ///< index of the first one
  std::uint64_t end = 0;    ///< index after the last one

  /// @return whether both fields are equal
  bool operator==(const TaskInterval&) const = default;
};

/// Which failed tasks to run again: those that meet every condition that is given.
struct RetryQuery {
  std::vector<TaskInterval> tasks{};  ///< among these; empty: all
  ErrorCode code = ErrorCode::none;   ///< failed with this code; `none`: with any
  std::string text{};                 ///< failed with exactly this text, or with the text of this
                                      ///< ErrorGroup (`<n>` for any number); empty: with any
  bool dry_run = false;               ///< change nothing, only count
};

/// Which tasks to cancel.
struct CancelQuery {
  std::vector<TaskInterval> tasks{};  ///< these; empty: the whole job
  bool dry_run = false;               ///< change nothing, only count
  bool tree = false;  ///< and all jobs that depend on this one, directly or through others
};

/// What a request did to the tasks of a job.
struct Touched {
  JobStatus job;            ///< the state of the job after that
  std::uint64_t tasks = 0;  ///< tasks that were changed, or with `dry_run` would be
};

/// Which jobs to list: those that meet every condition that is given.
struct JobQuery {
  std::size_t limit = 100;         ///< maximum number of jobs
  JobNumber before{};              ///< only jobs with numbers below this one; 0: from the newest on
  std::vector<JobState> states{};  ///< in one of these states; empty: in any
  std::string function{};          ///< of this function; empty: of any
  std::string owner{};             ///< of this principal; empty: of any
  /// With a name that matches this pattern, in which `*` stands for any characters and `?` for one
  /// byte; empty: with any name.
  std::string name{};
  /// With this text in the name, the function or the reason, whatever the case of ASCII letters;
  /// empty: any.
  std::string text{};
};

/// Some of the jobs that a JobQuery asks for.
struct JobPage {
  std::vector<JobStatus> jobs;  ///< the newest first
  JobNumber before{};  ///< JobQuery::before for those that may follow; 0: there are no more
};

/// What a worker could give now, from its last heartbeat.
struct Capacity {
  std::uint32_t slots = 1;        ///< leases that it runs at a time
  double cores = 1;               ///< cores that the process may use: affinity and cgroup quota
  double idle = 1;                ///< share of these cores that only this worker uses, 0 to 1
  double load = 0;                ///< load average of the machine over one minute
  std::uint64_t memory_free = 0;  ///< free memory of the machine in bytes
  std::uint32_t busy = 0;         ///< slots that run a lease
  std::uint32_t stuck = 0;  ///< slots whose function did not return after its time limit or its
                            ///< cancellation

  /// @return whether all fields are equal
  bool operator==(const Capacity&) const = default;
};

/// A function that a worker offers. A name may be offered once for each value of `takes`.
struct FunctionDecl {
  std::string name{};                 ///< 1 to 255 bytes of UTF-8
  Takes takes = Takes::item;          ///< what it takes at a call
  Encoding encoding = Encoding::raw;  ///< of its results, and of its input if it is `value`
  std::string reduce{};               ///< reducer for jobs over a range that name none; empty: none
  bool finish = false;                ///< whether a finishing step runs once on the reduced result
  double rate = 0;          ///< declared speed of one slot, in tasks per second; 0: not declared
  bool idempotent = false;  ///< a second run of a task, even at the same time, does no harm
  std::uint64_t max_lease = 0;  ///< maximum number of tasks in a lease; 0: the broker decides
  /// People do the tasks: how long one takes says nothing about the next, so nothing is started a
  /// second time or taken back because it is slow.
  bool people = false;

  /// @return whether all fields are equal
  bool operator==(const FunctionDecl&) const = default;
};

/// A named reducer that a worker offers.
struct ReducerDecl {
  std::string name;                     ///< 1 to 255 bytes of UTF-8
  Encoding encoding = Encoding::value;  ///< of its partial results
  bool has_identity = false;            ///< whether `identity` is given
  Bytes identity;                       ///< the reduction of nothing, at most 4096 bytes

  /// @return whether all fields are equal
  bool operator==(const ReducerDecl&) const = default;
};

/// The measured speed of a worker on one function.
struct FunctionRate {
  std::string function;       ///< name of the function
  double rate = 0;            ///< tasks (or units of cost) per second of one slot
  double uncertainty = 1;     ///< relative error of the rate, 0 to 1, with 95 % confidence
  std::uint64_t leases = 0;   ///< leases that were measured
  std::uint64_t tasks = 0;    ///< tasks in them
  std::uint64_t busy_us = 0;  ///< slot time that they took

  /// @return whether all fields are equal
  bool operator==(const FunctionRate&) const = default;
};

/// The state of a worker.
struct WorkerStatus {
  std::uint64_t id = 0;  ///< number of its session
  std::string name;      ///< `quern-worker --name`
  /// "idle", "busy", "draining", "stuck" (no usable slot is left) or "lost" (shown for an hour).
  std::string state;
  std::string reason;                         ///< for "stuck" and "lost": why; a sentence
  Capacity capacity;                          ///< what it could give now
  std::vector<FunctionDecl> functions;        ///< what it offers
  std::vector<FunctionRate> rates;            ///< how fast it is, as the broker measured
  std::map<std::string, std::string> labels;  ///< `quern-worker --label`
  std::map<std::string, double> resources;    ///< `quern-worker --resource`
  std::uint64_t leases = 0;                   ///< leases that it holds now
  std::uint64_t tasks_done = 0;               ///< tasks finished since it connected
  std::uint64_t silent_us = 0;                ///< time since the broker last heard from it
  std::uint64_t connected_us = 0;             ///< time since it connected
  std::string principal;                      ///< owner of its key

  /// @return whether all fields are equal
  bool operator==(const WorkerStatus&) const = default;
};

/// The upper bounds of the buckets of a Histogram, in seconds. A value that equals a bound belongs
/// to the bucket below it.
inline constexpr std::array<double, 14> kHistogramBounds{0.001, 0.003, 0.01, 0.03, 0.1, 0.3,  1,
                                                         3,     10,    30,   100,  300, 1000, 3000};

/// How often a duration was observed, by its length.
struct Histogram {
  /// Observations per bucket: one for each of #quern::kHistogramBounds, not cumulative, and a last
  /// one for what is longer. Empty when there were none.
  std::vector<std::uint64_t> counts;
  double sum_s = 0;  ///< sum of all observed durations

  /// @return whether all fields are equal
  bool operator==(const Histogram&) const = default;
};

/// What happened to the tasks of one function since the broker was started.
struct FunctionCounters {
  std::string function;               ///< its name; "other": all beyond the first hundred
  std::uint64_t tasks_done = 0;       ///< tasks that ended with a result
  std::uint64_t tasks_failed = 0;     ///< tasks that failed for good
  std::uint64_t tasks_cancelled = 0;  ///< tasks that were cancelled, alone or with their job
  std::uint64_t leases = 0;           ///< leases that were granted, merges included
  std::uint64_t leases_lost = 0;      ///< leases whose worker was lost
  std::uint64_t retries = 0;          ///< runs of tasks beyond the first run of each

  /// @return whether all fields are equal
  bool operator==(const FunctionCounters&) const = default;
};

/// The state of the broker.
struct BrokerStatus {
  std::string software;                ///< program and version, e.g. "quern 0.1.0"
  std::uint64_t uptime_us = 0;         ///< time since it was started
  std::uint64_t clients = 0;           ///< connected clients
  std::uint64_t workers = 0;           ///< connected workers
  std::uint64_t jobs = 0;              ///< jobs that have not ended
  std::uint64_t memory_used = 0;       ///< bytes that jobs take in its memory
  std::uint64_t memory_limit = 0;      ///< bytes that jobs may take
  std::uint64_t malformed = 0;         ///< received messages that were not valid
  std::uint64_t refused = 0;           ///< sessions that were refused
  std::uint64_t late = 0;              ///< reports of leases that were no longer valid
  std::uint64_t tasks_pending = 0;     ///< tasks of live jobs that are leased to nobody
  std::uint64_t tasks_leased = 0;      ///< tasks that are leased to workers
  std::uint64_t jobs_waiting = 0;      ///< jobs of which nothing has run yet
  std::uint64_t jobs_running = 0;      ///< jobs of which something has run
  std::uint64_t jobs_paused = 0;       ///< live jobs that are paused, not counted in the others
  std::uint64_t jobs_done = 0;         ///< ended jobs that are still kept, by how they ended
  std::uint64_t jobs_failed = 0;       ///< the same
  std::uint64_t jobs_cancelled = 0;    ///< the same
  std::uint64_t workers_idle = 0;      ///< workers by WorkerStatus::state
  std::uint64_t workers_busy = 0;      ///< the same
  std::uint64_t workers_draining = 0;  ///< the same
  std::uint64_t workers_stuck = 0;     ///< the same
  std::uint64_t workers_lost = 0;      ///< workers that were lost within the last hour
  std::vector<FunctionCounters> functions;  ///< since the start, ordered by name
  Histogram lease_seconds;  ///< from the grant of a lease to its end, also in a worker's queue
  Histogram wait_seconds;   ///< from the submission of a job to its first lease

  /// @return whether all fields are equal
  bool operator==(const BrokerStatus&) const = default;
};

}  // namespace quern
