// The parts that a job is made of. Each names the class that owns it, which alone changes it as a
// rule; everybody may read.
//
// Most jobs are small and wait: what few jobs have is in a Lazy or a Box (base/lazy.hpp).
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

/// What was submitted. Births and Recovery write it; it does not change, but for the options of a
/// job that runs again.
struct JobSpec {
  Uuid uuid;
  std::string function;
  InputKind input = InputKind::whole;
  bool costed = false;         ///< there are cost hints: its work is counted in them
  std::int64_t base = 0;       ///< range: the value of index 0
  std::int64_t range_end = 0;  ///< range: the value after the last one
  std::string name;
  OptionsOfJob options;  ///< but the name
  Box<wire::Buffer> common;
  Lazy<std::vector<JobNumber>> blobs;  ///< that it needs; Blobs counts who holds each
  std::string principal;               ///< the name of its owner
};

inline constexpr double kNoWeightMax = 1e300;

/// Whose it is. Submissions, Requests and KeyChanges write it.
struct JobOwner {
  wire::SessionId session{};
  double weight = 1;                 ///< of the principal
  double weight_max = kNoWeightMax;  ///< what its client may ask for
  Box<wire::Time> orphan_until;      ///< its session is gone: the job is cancelled then
};

/// How far it is. Endings and Grants write it.
struct JobPhase {
  JobState state = JobState::waiting;
  ErrorCode failure = ErrorCode::none;
  bool winding_down = false;  ///< what no worker has begun is cancelled; no more is granted
  bool changed = false;       ///< see Jobs::touch()
  Lazy<std::string> reason;   ///< why it failed, or how it ended
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

/// An ATTACH that is answered when the job's input is whole: only then it can be compared.
struct Comparison {
  wire::SessionId session{};
  wire::Attach attach;
};

/// Of a job with an idempotency key: what it was given, and who waits to compare that with an input
/// of its own.
struct KeyedInput {
  InputPrint print;
  std::vector<Comparison> comparisons;  ///< while the job is open; one per session
};

/// The input that has come in. Intake writes it.
struct JobIntake {
  bool open = false;                  ///< more may come
  Encoding encoding = Encoding::raw;  ///< of the payloads
  std::uint64_t accepted = 0;         ///< payloads (range: N)
  std::uint64_t bytes = 0;            ///< of APPEND credit that are used
  std::uint64_t credit_to = 0;
  std::uint64_t credit_told = 0;  ///< what its client knows of it
  Payloads payloads;
  Lazy<CostHints> costs;  ///< none: all tasks cost the same
  Lazy<KeyedInput> keyed;
};

/// Its tasks, as sets of intervals. Each is in exactly one of: pending, backing off, leased (in the
/// `open` set of exactly one lease), ended; and for a while after a restart: unsure. Grants,
/// Returns and Cancelling move them.
struct JobTasks {
  std::uint64_t total = 0;
  wire::IntervalSet pending;
  Lazy<std::multimap<wire::Time, wire::Interval>> backing_off;
  std::uint64_t leased = 0;
  std::size_t leases = 0;  ///< that are out; merges too
  wire::IntervalSet ended;
  Lazy<wire::IntervalSet> failed_set;  ///< of the ended ones; their payloads are kept for RETRY
  Lazy<wire::IntervalSet> unsure;      ///< leased before a restart, so a worker may still hold them
  std::uint64_t frontier = 0;          ///< tasks from here on were never leased
  std::uint64_t recovered_frontier = 0;  ///< as the store had it at the start of this broker; 0 for
                                         ///< jobs that are younger
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
};

/// Tasks whose worker was lost while it ran them with others: they are leased in ever smaller
/// pieces.
struct Suspects {
  std::uint64_t end = 0;
  std::uint64_t lease_max = 1;
};

/// What was done again, or in vain.
struct Mishaps {
  std::uint64_t retried = 0;  ///< tasks
  std::uint32_t merge_failures = 0;
  std::uint64_t copies = 0;  ///< speculative attempts that were started
  double wasted_s = 0;       ///< slot time that went into the slower of two
};

/// What went wrong with its tasks so far. Returns writes it.
struct JobAttempts {
  IntervalCounts failures;
  IntervalCounts crashes;                            ///< of workers that ran the task
  Lazy<std::map<std::uint64_t, Suspects>> suspects;  ///< by first task
  Lazy<Mishaps> mishaps;
};

/// What has come out of it. Reports and Journal write it.
struct JobOutput {
  ResultLog results;
  Box<Partials> partials;   ///< with a reducer
  Box<wire::Buffer> value;  ///< the reduced result, when final
  bool finishing = false;   ///< the finish lease is out or done
};

/// How it gets its leases. Decider, Pools, FairQueue and Planner write it.
struct JobRun {
  std::shared_ptr<const Decision> decision;  ///< shared with other jobs of its kind
  Pool* pool = nullptr;                      ///< the workers that can run it, once it is decided
  PlaceInQueue place;
  double used = 0;            ///< slot-seconds received over weight: the virtual time of fair share
  double expected_s = 0;      ///< slot-seconds its leases should still take
  std::uint32_t planned = 0;  ///< of its tasks: each waits for one worker
  bool planning = false;      ///< its tasks wait for the plan that is being made
};

/// How fast it has been of late; taken every second.
struct Pace {
  std::uint64_t done = 0;  ///< tasks that were done then
  double work = 0;         ///< in units of the function's rate, that was done then
  double rate = 0;         ///< tasks/s
  double recent_work = 0;  ///< work/s; 0: not known
};

/// What was spent on it, and by whom. Reports writes it.
struct JobEffort {
  double busy_s = 0;     ///< slot time received
  double work_done = 0;  ///< in units of the function's rate
  wire::Time since{};    ///< when its pace was taken
  Lazy<Pace> pace;
  Shares shares;
  Timeline timeline;
};

/// What of it is counted where. Accounts and KeptJobs write it.
struct JobBooks {
  Usage* usage = nullptr;           ///< its principal's
  Usage accounted;                  ///< of it within what the core and its principal use
  std::uint64_t charged_bytes = 0;  ///< of accounted.bytes, what counts for its principal
  std::uint64_t kept_bytes = 0;     ///< of its results, among those of ended jobs that are kept
  std::uint64_t unread = 0;         ///< bytes of its results, counted
  wire::SessionId unread_of{};      ///< for this session
};

/// The sequence numbers of the commits that cover it. Journal writes it.
struct JobCommits {
  std::uint64_t born = 0;          ///< its intake
  std::uint64_t leases = 0;        ///< what its leases must wait for: intake and frontier
  std::uint64_t latest = 0;        ///< everything about it
  std::uint64_t results_from = 0;  ///< entries below are dropped in the store too
};

/// Of a blob (wire/blob.hpp): how long it is needed. Blobs writes it.
struct Keeping {
  bool last_chunk = false;  ///< a short one came, so no other may
  std::size_t holders = 0;  ///< jobs that need it
  wire::Time wanted{};      ///< when somebody last asked for it
};

/// A session that follows a job. Followers and Delivery write it.
struct Follower {
  wire::SessionId session{};
  std::uint64_t sent = 0;  ///< entries below were sent
  std::uint64_t acked = 0;
  std::uint64_t window = 0;       ///< bytes; 0: no results
  std::uint64_t outstanding = 0;  ///< bytes sent and not acknowledged
  wire::Time told{};              ///< last JOB
  std::uint32_t watch_ms = 0;
  bool told_final = false;
  bool news_held = false;     ///< it is among the session's held_news,
  bool results_held = false;  ///< and held_results
  bool values = true;         ///< may have results: its own job's, or admin
};

}  // namespace quern::broker
