// What the broker says about jobs and workers. Plain values; they are also what travels on the
// wire.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "quern/bytes.hpp"
#include "quern/error.hpp"
#include "quern/ids.hpp"

namespace quern {

/// waiting: nothing of it ran yet; running: something did; the other five are final.
enum class JobState : std::uint8_t { waiting, running, done, failed, cancelled, lost, unknown };
std::string_view to_string(JobState state);
constexpr bool is_final(JobState s) { return s >= JobState::done && s != JobState::unknown; }

/// What the client gave: nothing to split, a list of items, or the integers of a range.
enum class InputKind : std::uint8_t { whole, items, range };
std::string_view to_string(InputKind kind);

/// What a function takes at a call: a whole input, one item, or a sub-range.
enum class Takes : std::uint8_t { whole, item, range };
std::string_view to_string(Takes takes);

/// memory: gone when the broker restarts. durable: kept in the broker's store; acknowledged only
/// after the disk has it. automatic: durable when the broker has a store; only asked for, never
/// what a job has.
enum class Durability : std::uint8_t { memory, durable, automatic };
std::string_view to_string(Durability durability);

/// What one worker did for one job.
struct WorkerShare {
  std::string worker;
  std::uint64_t leases = 0;   ///< leases finished
  std::uint64_t tasks = 0;    ///< tasks finished
  std::uint64_t busy_us = 0;  ///< slot time spent, microseconds
  double rate = 0;            ///< measured tasks per second of one slot on this function
  std::uint32_t slots = 0;

  bool operator==(const WorkerShare&) const = default;
};

/// What happened to one lease of a job.
struct LeaseSpan {
  std::string worker;
  std::uint32_t lane =
      0;  ///< of the worker: leases that overlap are in different ones, as in slots
  std::uint64_t begin_us =
      0;  ///< from the job's submission to its grant, or to the end of what its slot did before
  std::uint64_t end_us = 0;  ///< to its end; now, if it is out
  std::uint64_t first = 0;   ///< task
  std::uint64_t tasks = 0;   ///< finished in it
  std::string outcome;       ///< "done", "given back", "lost", "running"

  bool operator==(const LeaseSpan&) const = default;
};

struct JobStatus {
  Uuid uuid;
  JobNumber number{};
  std::string name;
  std::string function;
  std::string owner;  ///< principal
  InputKind input = InputKind::whole;
  std::string decision;  ///< the decision on splitting and its reason, a sentence; empty until made
  bool divisible = false;
  std::string reduce;                 ///< reducer in force, empty for none
  Encoding encoding = Encoding::raw;  ///< of results
  JobState state = JobState::waiting;
  std::string reason;                   ///< why it waits, failed or was cancelled; a sentence
  ErrorCode failure = ErrorCode::none;  ///< why it ended otherwise than done
  bool open = false;                    ///< still being appended to
  std::uint64_t total = 0;              ///< tasks known so far
  std::uint64_t pending = 0;
  std::uint64_t leased = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  std::int32_t priority = 0;
  double weight = 1;
  Durability durability = Durability::memory;
  bool detached = false;
  std::uint32_t attempts = 3;  ///< attempts allowed per task
  bool idempotent = false;     ///< a slow task of it may be started a second time meanwhile
  bool at_most_once = false;   ///< no task of it is ever started twice
  std::uint64_t kept_us = 0;   ///< an ended job is kept for so long from now; 0: it has not ended
  std::uint64_t retried = 0;   ///< task runs beyond each task's first
  std::uint64_t age_us = 0;    ///< since it was accepted
  std::uint64_t run_us = 0;    ///< from the first lease to the end (or to now)
  double rate = 0;             ///< tasks per second over the recent past
  double eta_s = -1;           ///< estimated seconds to the end, negative when unknown
  double eta_error_s = -1;     ///< the end is expected within so many seconds of that, either way;
                               ///< negative when unknown
  std::uint64_t copies = 0;    ///< second copies of overdue leases that were started
  double wasted_s =
      0;  ///< slot-seconds spent on leases whose copy was quicker, or that were the slower copy
  std::uint64_t queued_bytes = 0;  ///< payload bytes held
  std::uint64_t result_bytes = 0;  ///< result bytes held
  std::uint64_t workers = 0;       ///< that finished something of it
  std::vector<WorkerShare>
      shares;  ///< filled when one job is asked for; of very many workers, those that did most
  std::vector<LeaseSpan> spans;  ///< filled when its timeline is asked for; of the first leases
                                 ///< when there were very many

  bool operator==(const JobStatus&) const = default;
};

/// What a worker could give now, from its last heartbeat.
struct Capacity {
  std::uint32_t slots = 1;
  double cores = 1;               ///< cores this process may use: affinity and cgroup quota
  double idle = 1;                ///< share of them that nothing but this worker uses, 0..1
  double load = 0;                ///< load average, 1 minute
  std::uint64_t memory_free = 0;  ///< bytes
  std::uint32_t busy = 0;         ///< slots running a lease
  std::uint32_t stuck = 0;        ///< slots whose function ignores its cancellation

  bool operator==(const Capacity&) const = default;
};

/// A function a worker offers. One name may be declared once per `takes`.
struct FunctionDecl {
  std::string name;
  Takes takes = Takes::item;
  Encoding encoding = Encoding::raw;  ///< of its results (and of its input, when `value`)
  std::string reduce;                 ///< reducer used when a range job names none; empty for none
  bool finish = false;                ///< has a finishing step that runs once on the reduced result
  double rate = 0;                    ///< declared tasks per second of one slot; 0: not declared
  bool idempotent = false;  ///< a second run of a task, even beside the first, does no harm

  bool operator==(const FunctionDecl&) const = default;
};

/// A named reducer a worker offers.
struct ReducerDecl {
  std::string name;
  Encoding encoding = Encoding::value;
  bool has_identity = false;
  Bytes identity;  ///< the reduction of nothing

  bool operator==(const ReducerDecl&) const = default;
};

struct FunctionRate {
  std::string function;
  double rate = 0;         ///< tasks (or cost units) per second of one slot
  double uncertainty = 1;  ///< the rate is right within this share of it, 0..1, at 95 % confidence
  std::uint64_t leases = 0;
  std::uint64_t tasks = 0;
  std::uint64_t busy_us = 0;

  bool operator==(const FunctionRate&) const = default;
};

struct WorkerStatus {
  std::uint64_t id = 0;  ///< session number
  std::string name;
  std::string
      state;  ///< "idle", "busy", "draining", "stuck" (no slot is left), "lost" (shown for an hour)
  std::string reason;  ///< of "stuck" and "lost": a sentence
  Capacity capacity;
  std::vector<FunctionDecl> functions;
  std::vector<FunctionRate> rates;
  std::map<std::string, std::string> labels;
  std::map<std::string, double> resources;
  std::uint64_t leases = 0;      ///< leases held now
  std::uint64_t tasks_done = 0;  ///< since it connected
  std::uint64_t silent_us = 0;   ///< since it was last heard
  std::uint64_t connected_us = 0;
  std::string principal;  ///< whose key it has

  bool operator==(const WorkerStatus&) const = default;
};

struct BrokerStatus {
  std::string software;
  std::uint64_t uptime_us = 0;
  std::uint64_t clients = 0;
  std::uint64_t workers = 0;
  std::uint64_t jobs = 0;  ///< not yet final
  std::uint64_t memory_used = 0;
  std::uint64_t memory_limit = 0;
  std::uint64_t malformed = 0;  ///< messages that were not messages
  std::uint64_t refused = 0;    ///< sessions refused
  std::uint64_t late = 0;       ///< reports for leases that were no longer valid

  bool operator==(const BrokerStatus&) const = default;
};

}  // namespace quern
