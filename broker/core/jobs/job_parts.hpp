// The parts of a job. Each names the classes that own it: as a rule, only those change it;
// everybody may read it.
//
// Most jobs are small and wait, so what only few jobs have is in a Lazy or a Box (base/lazy.hpp).
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/access/principal.hpp"
#include "broker/core/base/decision.hpp"
#include "broker/core/base/lazy.hpp"
#include "broker/core/jobs/census.hpp"
#include "broker/core/jobs/cost_hints.hpp"
#include "broker/core/jobs/input_print.hpp"
#include "broker/core/jobs/interval_counts.hpp"
#include "broker/core/jobs/partials.hpp"
#include "broker/core/jobs/payloads.hpp"
#include "broker/core/jobs/place_in_queue.hpp"
#include "broker/core/jobs/result_log.hpp"
#include "broker/core/jobs/shared_options.hpp"
#include "broker/core/jobs/shares.hpp"
#include "broker/core/jobs/timeline.hpp"
#include "wire/messages.hpp"
#include "wire/time.hpp"

namespace quern::broker {

/// What was submitted. Written by JobFactory and Recovery; it does not change, except for the
/// options of a job that runs again.
struct JobSpec {
  Uuid uuid;
  std::string function;
  InputKind input = InputKind::whole;
  bool costed = false;         ///< there are cost hints, and work is counted in their units
  std::int64_t base = 0;       ///< range: the value of index 0
  std::int64_t range_end = 0;  ///< range: the value after the last one
  std::string name;
  OptionsOfJob options;  ///< except for the name
  Box<wire::Buffer> common;
  Lazy<std::vector<JobNumber>> blobs;  ///< the blobs that it needs; Blobs counts the jobs that need
                                       ///< each of them
  std::string principal;               ///< the name of its owner
};

inline constexpr double kNoWeightMax = 1e300;

/// Who owns the job. Written by Submissions, Requests and KeyChanges.
struct JobOwner {
  wire::SessionId session{};
  double weight = 1;                 ///< of the principal
  double weight_max = kNoWeightMax;  ///< the highest weight that its client may ask for
  Box<wire::Time> orphan_until;      ///< its session has ended: the job is cancelled at this time
};

/// Jobs that tasks submit. One byte, because JobPhase has no more room. Written by Families.
struct JobNesting {
  std::uint8_t depth : 6 = 0;  ///< 0: a client submitted it
  bool parental : 1 = false;   ///< it has unfinished children, or leases that wait for them
  bool crowded : 1 = false;    ///< so many of its leases wait that it gets no further ones
};

/// Why the job does not start yet, whatever else holds.
struct JobHold {
  bool jobs : 1 = false;  ///< it starts only after other jobs; see edges/
  bool time : 1 = false;  ///< its time has not come; see StartTimes

  bool any() const { return jobs || time; }
};

/// The state of the job. Written by Endings, Pausing, Grants and the room of edges.
struct JobPhase {
  JobState state = JobState::waiting;
  ErrorCode failure = ErrorCode::none;
  bool winding_down : 1 = false;  ///< tasks that have not been started are cancelled; no more
                                  ///< leases are granted
  bool paused : 1 = false;        ///< no more leases are granted until somebody resumes the job
  bool fed : 1 = false;           ///< it has edges from earlier jobs
  bool feeds : 1 = false;         ///< another job still needs its results or its end
  bool gathered : 1 = false;      ///< that job takes many of its results at once, or later
  bool changed = false;           ///< see Jobs::touch()
  JobHold hold;
  JobNesting nesting;
  CountedAs counted = CountedAs::uncounted;  ///< by Accounts
  Lazy<std::string> reason;                  ///< why it failed, or how it ended
  wire::Time submitted{};
  wire::Time started{};
  wire::Time finished{};

  void set_reason(std::string why) {
    if (why.empty())
      reason.reset();
    else
      reason = std::move(why);
  }
};

/// An ATTACH that is answered when the input of the job is complete, because only then can it be
/// compared.
struct Comparison {
  wire::SessionId session{};
  wire::Attach attach;
};

/// Of a job with an idempotency key: the fingerprint of its input, and who waits to compare it with
/// an input of their own.
struct KeyedInput {
  InputPrint print;
  std::vector<Comparison> comparisons;  ///< while the job is open; one per session
};

/// The input that has arrived. Written by Intake.
struct JobIntake {
  /// Who appends: a client that streams the input within its credit, or any client of the
  /// principal, batch by batch. Both at once could overwrite each other's positions.
  /// Or neither: its input comes from other jobs.
  /// `graph`: as `jobs`, with links between its own tasks.
  enum class Feed : std::uint8_t { undecided, stream, batches, jobs, graph };

  bool open = false;                  ///< more may come
  Feed feed = Feed::undecided;        ///< known with the first APPEND to this broker
  Encoding encoding = Encoding::raw;  ///< of the payloads
  bool from_jobs() const { return feed == Feed::jobs || feed == Feed::graph; }
  std::uint64_t accepted = 0;  ///< payloads (range: N)
  std::uint64_t bytes = 0;     ///< APPEND credit that has been used
  std::uint64_t credit_to = 0;
  std::uint64_t credit_told = 0;  ///< the part of it that the client knows about
  Payloads payloads;
  Lazy<CostHints> costs;  ///< none: all tasks cost the same
  Lazy<KeyedInput> keyed;
};

/// The tasks, as sets of intervals. Each task is in exactly one of: pending, backing off, leased
/// (in the `open` set of exactly one lease), ended; and for a while after a restart: unsure.
/// Grants, Returns and Cancelling move them.
struct JobTasks {
  std::uint64_t total = 0;
  wire::IntervalSet pending;
  Lazy<std::multimap<wire::Time, wire::Interval>> backing_off;
  std::uint64_t leased = 0;
  std::size_t leases = 0;  ///< leases that are out, including merges
  wire::IntervalSet ended;
  Lazy<wire::IntervalSet> failed_set;     ///< of the ended ones; their payloads are kept for RETRY
  Lazy<wire::IntervalSet> cancelled_set;  ///< of the ended ones; after a restart it can be unknown
  Lazy<wire::IntervalSet> unsure;  ///< leased before a restart, so a worker may still hold them
  std::uint64_t frontier = 0;      ///< tasks from here on were never leased
  std::uint64_t recovered_frontier = 0;  ///< as found in the store at the start of this broker; 0
                                         ///< for newer jobs
  std::uint64_t done = 0;
  std::uint64_t cancelled = 0;

  std::uint64_t failed() const { return failed_set->size(); }
};

/// Tasks whose worker was lost while it ran them together with others. They are leased in ever
/// smaller pieces, to find the one to blame.
struct Suspects {
  std::uint64_t end = 0;
  std::uint64_t lease_max = 1;
};

/// What was repeated or done in vain.
struct Mishaps {
  std::uint64_t retried = 0;  ///< tasks
  std::uint32_t merge_failures = 0;
  std::uint64_t copies = 0;  ///< speculative attempts that were started
  double wasted_s = 0;       ///< slot time spent on the slower of two attempts
};

/// What went wrong with the tasks so far. Written by Returns.
struct JobAttempts {
  IntervalCounts failures;
  IntervalCounts crashes;                            ///< workers lost while they ran the task
  Lazy<std::map<std::uint64_t, Suspects>> suspects;  ///< by first task
  Lazy<Mishaps> mishaps;
};

/// What the job has produced. Written by Reports and Journal.
struct JobOutput {
  ResultLog results;
  Box<Partials> partials;   ///< only with a reducer
  Box<wire::Buffer> value;  ///< the reduced result of a final job
  bool finishing = false;   ///< the finish lease is out or done
};

/// How the job gets its leases. Written by Decider, Pools, FairQueue and Planner.
struct JobRun {
  std::shared_ptr<const Decision> decision;  ///< shared with other jobs of the same kind
  Pool* pool = nullptr;                      ///< the workers that can run it, once it is decided
  PlaceInQueue place;
  double used = 0;            ///< slot-seconds received, divided by the weight: the virtual time of
                              ///< the fair queue
  double expected_s = 0;      ///< slot-seconds that its leases are still expected to take
  std::uint32_t planned = 0;  ///< number of tasks that are assigned to a worker by the plan
  bool planning = false;      ///< its tasks wait for the plan that is being made
};

/// How fast the job has been recently; measured every second.
struct Pace {
  std::uint64_t done = 0;  ///< tasks that were done at the last measurement
  double work = 0;         ///< work that was done at the last measurement, in units of the
                           ///< function's rate
  double rate = 0;         ///< tasks/s
  double recent_work = 0;  ///< work/s; 0: unknown
};

/// What was spent on the job, and by which workers. Written by Reports.
struct JobEffort {
  double busy_s = 0;     ///< slot time received
  double work_done = 0;  ///< in units of the function's rate
  wire::Time since{};    ///< when its pace was last measured
  Lazy<Pace> pace;
  Shares shares;
  Timeline timeline;
};

/// What a job uses.
struct JobUsage {
  std::uint64_t tasks = 0;   ///< that have not ended
  std::uint64_t leased = 0;  ///< those of them that are out
  std::uint64_t bytes = 0;
};

/// Where the job's usage is counted. Written by Accounts and KeptJobs.
struct JobBooks {
  Usage* usage = nullptr;           ///< the usage of its principal
  JobUsage accounted;               ///< its part of what the core and its principal use
  std::uint64_t charged_bytes = 0;  ///< the part of accounted.bytes that counts against its
                                    ///< principal's quota
  std::uint64_t kept_bytes = 0;     ///< the size of its results, counted among those of ended jobs
                                    ///< that are kept
  std::uint64_t unread = 0;         ///< bytes of its results that are counted
  wire::SessionId unread_of{};      ///< for this session
};

/// The commit sequences that cover the job. Written by Journal.
struct JobCommits {
  std::uint64_t born = 0;          ///< its intake
  std::uint64_t leases = 0;        ///< what its leases have to wait for: intake and frontier
  std::uint64_t latest = 0;        ///< everything about it
  std::uint64_t results_from = 0;  ///< entries below are dropped in the store too
};

/// A session that follows a job. Written by Followers and Delivery.
struct Follower {
  wire::SessionId session{};
  std::uint64_t sent = 0;  ///< entries below were sent
  std::uint64_t acked = 0;
  std::uint64_t window = 0;       ///< bytes; 0: no results
  std::uint64_t outstanding = 0;  ///< bytes sent but not acknowledged
  wire::Time told{};              ///< time of the last JOB
  std::uint32_t watch_ms = 0;
  bool told_final = false;
  bool news_held = false;     ///< the job is in the session's held_news,
  bool results_held = false;  ///< and in its held_results
  bool values = true;         ///< it may see results: as the owner, or as admin
};

}  // namespace quern::broker
