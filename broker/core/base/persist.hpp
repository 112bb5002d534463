// What the core wants made durable, and what it gets back at a start. Plain data: a store (SQLite,
// or the simulator's) applies a list of operations as one transaction and gives everything back in
// Recovered. A whole batch is one operation and one row; no task has an operation of its own.
//
// Rule for changing: what is kept here is on disks of users. A new field has a default that means
// "as before", and the store's schema version goes up.
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

/// The sequence of everything that was in the store at the start; 0 is the sequence of what never
/// gets there.
inline constexpr std::uint64_t kFoundSequence = 1;

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
  std::uint64_t input_shape = 0;  ///< with a unique key: see InputPrint
};

/// So many times failed, or lost with its worker: tasks of one interval.
struct CountedTasks {
  wire::Interval tasks;
  std::uint32_t count = 0;
  bool operator==(const CountedTasks&) const = default;
};

/// What changes: written whole, once for every round of the core in which any of it did.
struct JobProgress {
  JobNumber job{};
  JobState state = JobState::waiting;
  std::string reason;
  ErrorCode failure = ErrorCode::none;
  bool detach = false;  ///< as its options say; RETRY sets it
  bool open = false;
  Encoding encoding = Encoding::raw;  ///< of the payloads
  std::uint64_t accepted = 0;         ///< payloads taken in (range: N)
  std::uint64_t accepted_bytes = 0;   ///< of APPEND credit
  std::uint64_t input_digest = 0;     ///< of the payloads taken in; 0: not known, or nobody asks
  std::uint64_t total = 0;            ///< tasks
  std::uint64_t frontier = 0;         ///< tasks from here on were never leased
  wire::Intervals ended;              ///< done, failed or cancelled
  wire::Intervals failed;             ///< of them
  std::uint64_t done = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t retried = 0;
  std::vector<CountedTasks> attempts;  ///< failed ones, of tasks that have not ended
  std::vector<CountedTasks> crashes;
  std::optional<Decision> decision;
  std::optional<wire::Buffer> value;  ///< the reduced result
  std::uint64_t results_begin = 0;    ///< entries below were acknowledged by the owner and are gone
  std::uint64_t results_end = 0;
  std::uint64_t waited_us = 0;  ///< from its acceptance to its first lease; 0: not leased yet
  std::uint64_t ran_us = 0;     ///< from there to its end, or to this record of it
};

// ---- operations

struct AddJob {
  JobBirth birth;
};
/// Payloads of tasks [first, first + count).
struct AddInput {
  JobNumber job{};
  std::uint64_t first = 0;
  wire::Batch batch;
  std::vector<float> costs{};  ///< hints: none, or one per task
};
/// All rows of input that lie wholly within `tasks` will never be asked for again.
struct DropInput {
  JobNumber job{};
  wire::Interval tasks;
};
/// All input of a job that is over. It may be cleared away bit by bit, but is not given back any
/// more.
struct DropInputs {
  JobNumber job{};
};
/// Result entry `seq`; replaces one of that number.
struct PutResult {
  JobNumber job{};
  std::uint64_t seq = 0;
  ResultEntry entry;
};
/// The errors of an entry that is there, anew.
struct PutErrors {
  JobNumber job{};
  std::uint64_t seq = 0;
  std::vector<TaskError> errors;
};
/// Result entries below `to` are gone.
struct DropResults {
  JobNumber job{};
  std::uint64_t to = 0;
};
/// The fold of `tasks`: replaces every partial within them.
struct PutPartial {
  JobNumber job{};
  wire::Interval tasks;
  Bytes value;
};
struct DropPartials {
  JobNumber job{};
};
/// The job with everything of it.
struct DropJob {
  JobNumber job{};
};
/// Job numbers below this may have been given out: after a restart they are not given again.
struct ReserveNumbers {
  std::uint64_t below = 0;
};

using StoreOp =
    std::variant<AddJob, JobProgress, AddInput, DropInput, DropInputs, PutResult, PutErrors,
                 DropResults, PutPartial, DropPartials, DropJob, ReserveNumbers>;
using StoreOps = std::vector<StoreOp>;

// ---- at a start

/// A row of input that is there; its bytes stay in the store until they are asked for.
struct StoredInput {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  std::uint64_t weight = 0;    ///< bytes with the size column, as Batch::weight()
  std::vector<float> costs{};  ///< as in AddInput
  bool operator==(const StoredInput&) const = default;
};

/// An entry without its batch, which stays in the store until it is asked for.
struct RecoveredResult {
  std::uint64_t seq = 0;
  ResultEntry entry;
  std::uint64_t batch_weight = 0;  ///< as Batch::weight()
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
  std::uint64_t incarnation = 1;    ///< of this start: higher than of any before
  std::uint64_t numbers_below = 1;  ///< job numbers below this are used up
  std::vector<RecoveredJob> jobs;   ///< ascending by number
};

}  // namespace quern::broker
