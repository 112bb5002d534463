// What the core wants made durable, and what it gets back at a start. Plain data: a store (SQLite,
// or the simulator's) applies a list of operations as one transaction and returns everything in
// Recovered. A whole batch is one operation and one row; single tasks have no operations of their
// own.
//
// Rule for changes: this data is on the disks of users. A new field has a default that means "as
// before", and the schema version of the store is increased.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "broker/core/base/decision.hpp"
#include "broker/core/base/result_entry.hpp"
#include "wire/messages.hpp"

namespace quern::broker {

/// The commit sequence of everything that was in the store at the start; 0 is the sequence of what
/// never gets there.
inline constexpr std::uint64_t kFoundSequence = 1;

/// The task that submitted a job.
struct ParentTask {
  JobNumber job{};
  std::uint64_t task = 0;
  wire::LeaseId lease;      ///< under which it ran; it names the attempt
  std::uint32_t depth = 1;  ///< of the submitted job; a job that a client submitted has 0
  bool operator==(const ParentTask&) const = default;
};

/// What never changes about a job: written once, when it is accepted.
struct JobBirth {
  JobNumber number{};
  Uuid uuid;
  std::string function;
  InputKind input = InputKind::whole;
  std::int64_t range_begin = 0;
  std::int64_t range_end = 0;
  wire::JobOptions options;
  std::string principal;
  std::optional<wire::Buffer> common;
  std::uint64_t input_shape = 0;  ///< with an idempotency key: see InputPrint
  std::vector<JobEdge> edges{};   ///< from earlier jobs, by number
  Join join = Join::automatic;
  wire::Buffer links{};                ///< see wire/task_graph.hpp
  Encoding values = Encoding::raw;     ///< encoding of the values in `links`
  std::optional<ParentTask> parent{};  ///< if a task submitted it
};

/// How often the tasks of one interval have failed, or were lost with their worker.
struct CountedTasks {
  wire::Interval tasks;
  std::uint32_t count = 0;
  bool operator==(const CountedTasks&) const = default;
};

/// What changes about a job: written as a whole, once per commit in which any of it has changed.
struct JobProgress {
  JobNumber job{};
  JobState state = JobState::waiting;
  std::string reason;
  ErrorCode failure = ErrorCode::none;
  bool detach = false;  ///< as in its options; RETRY sets it
  bool paused = false;
  bool open = false;
  Encoding encoding = Encoding::raw;  ///< of the payloads
  std::uint64_t accepted = 0;         ///< payloads accepted (range: N)
  std::uint64_t accepted_bytes = 0;   ///< APPEND credit used
  std::uint64_t input_digest = 0;     ///< of the accepted payloads; 0: unknown, or not needed
  std::uint64_t total = 0;            ///< tasks
  std::uint64_t frontier = 0;         ///< tasks from here on were never leased
  wire::Intervals ended;              ///< done, failed or cancelled
  wire::Intervals failed;             ///< the failed ones among them
  std::uint64_t done = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t retried = 0;
  std::vector<CountedTasks> attempts;  ///< failed attempts of tasks that have not ended
  std::vector<CountedTasks> crashes;
  std::optional<Decision> decision;
  std::optional<wire::Buffer> value;  ///< the reduced result
  std::uint64_t results_begin = 0;    ///< entries below were acknowledged by the owner and removed
  std::uint64_t results_end = 0;
  std::uint64_t waited_us = 0;  ///< from its acceptance to its first lease; 0: not leased yet
  std::uint64_t ran_us = 0;     ///< from its first lease to its end, or to this record
};

/// What changes about a schedule.
struct ScheduleProgress {
  bool paused = false;
  std::uint64_t passed_ms = 0;    ///< due times up to here have been handled (wall clock)
  std::vector<ScheduleRun> runs;  ///< what happened at the latest of them, in order
  bool operator==(const ScheduleProgress&) const = default;
};

struct ScheduleRecord {
  std::uint64_t id = 0;  ///< in the order in which they were added; never used again
  std::string owner;
  wire::Schedule definition;
  ScheduleProgress progress;
  bool operator==(const ScheduleRecord&) const = default;
};

// ---- operations

struct AddJob {
  JobBirth birth;
};
/// Adds the payloads of tasks [first, first + count).
struct AddInput {
  JobNumber job{};
  std::uint64_t first = 0;
  wire::Batch batch;
  std::vector<float> costs{};  ///< hints: none, or one per task
};
/// Input rows that lie entirely within `tasks` will never be needed again.
struct DropInput {
  JobNumber job{};
  wire::Interval tasks;
};
/// Drops all input of a job that has ended. The store may delete it gradually, but no longer
/// returns it.
struct DropInputs {
  JobNumber job{};
};
/// Writes result entry `seq`; replaces an existing one.
struct PutResult {
  JobNumber job{};
  std::uint64_t seq = 0;
  ResultEntry entry;
};
/// Replaces the errors of an existing entry.
struct PutErrors {
  JobNumber job{};
  std::uint64_t seq = 0;
  std::vector<TaskError> errors;
};
/// Removes the result entries below `to`.
struct DropResults {
  JobNumber job{};
  std::uint64_t to = 0;
};
/// Writes the folded result of `tasks`; replaces every partial within them.
struct PutPartial {
  JobNumber job{};
  wire::Interval tasks;
  Bytes value;
};
struct DropPartials {
  JobNumber job{};
};
/// Removes the job with everything that belongs to it.
struct DropJob {
  JobNumber job{};
};
/// Job numbers below this may have been assigned: after a restart they are not assigned again.
struct ReserveNumbers {
  std::uint64_t below = 0;
};

/// Writes a schedule; replaces an existing one.
struct PutSchedule {
  ScheduleRecord record;
};
struct SaveSchedule {
  std::uint64_t id = 0;
  ScheduleProgress progress;
};
struct DropSchedule {
  std::uint64_t id = 0;
};

using StoreOp = std::variant<AddJob, JobProgress, AddInput, DropInput, DropInputs, PutResult,
                             PutErrors, DropResults, PutPartial, DropPartials, DropJob,
                             ReserveNumbers, PutSchedule, SaveSchedule, DropSchedule>;
using StoreOps = std::vector<StoreOp>;

// ---- at a start

/// An input row that exists; its bytes stay in the store until they are requested.
struct StoredInput {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  std::uint64_t weight = 0;    ///< bytes including the sizes column, as in Batch::weight()
  std::vector<float> costs{};  ///< as in AddInput
  bool operator==(const StoredInput&) const = default;
};

/// An entry without its batch, which stays in the store until it is requested.
struct RecoveredResult {
  std::uint64_t seq = 0;
  ResultEntry entry;
  std::uint64_t batch_weight = 0;  ///< as in Batch::weight()
};

struct RecoveredPartial {
  wire::Interval tasks;
  Bytes value;
};

struct RecoveredJob {
  JobBirth birth;
  JobProgress progress;
  std::chrono::seconds age{};              ///< since it was accepted
  std::vector<StoredInput> inputs;         ///< ascending
  std::vector<RecoveredResult> results;    ///< ascending; all of [results_begin, results_end)
  std::vector<RecoveredPartial> partials;  ///< ascending, disjoint
};

/// Everything that was committed.
struct Recovered {
  std::uint64_t incarnation = 1;            ///< of this start: higher than all previous ones
  std::uint64_t numbers_below = 1;          ///< job numbers below this have been used
  std::vector<RecoveredJob> jobs;           ///< ascending by number
  std::vector<ScheduleRecord> schedules{};  ///< ascending by id
};

}  // namespace quern::broker
