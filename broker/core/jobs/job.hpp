// One job: an index space and what is known about its tasks, as interval sets. There is no object
// per task.
//
// Every accepted task is in exactly one of: pending, backing off, leased (in the `open` set of
// exactly one lease), ended; and for a while after a restart of the broker: unsure.
#pragma once

#include <algorithm>
#include <cstdint>
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

/// A session that follows a job.
struct Follower {
  wire::SessionId session{};
  std::uint64_t sent = 0;  ///< entries below were sent
  std::uint64_t acked = 0;
  std::uint64_t window = 0;       ///< bytes; 0: no results
  std::uint64_t outstanding = 0;  ///< bytes sent and not acknowledged
  wire::Time told{};              ///< last JOB
  std::uint64_t told_ended = 0;   ///< tasks ended then
  std::uint32_t watch_ms = 0;
  bool told_final = false;
  bool news_held = false;     ///< it is among Session::held_news,
  bool results_held = false;  ///< and held_results
  bool values = true;         ///< may have results: its own job's, or admin
};

/// Tasks whose worker was lost while it ran them with others: they are leased in ever smaller
/// pieces.
struct Suspects {
  std::uint64_t end = 0;
  std::uint64_t lease_max = 1;
};

inline constexpr double kNoWeightMax = 1e300;

/// Of a blob (wire/blob.hpp): how long it is needed.
struct Keeping {
  bool last_chunk = false;  ///< a short one came, so no other may
  std::size_t holders = 0;  ///< jobs that need it
  wire::Time wanted{};      ///< when somebody last asked for it
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

/// What was done again, or in vain.
struct Mishaps {
  std::uint64_t retried = 0;  ///< tasks
  std::uint32_t merge_failures = 0;
  std::uint64_t copies = 0;  ///< second copies of overdue leases that were started
  double wasted_s = 0;       ///< slot time that went into the slower of two
};

/// How fast it has been of late; taken every second.
struct Pace {
  std::uint64_t done = 0;  ///< tasks that were done then
  double work = 0;         ///< in units of the function's rate, that was done then
  double rate = 0;         ///< tasks/s
  double recent_work = 0;  ///< work/s; 0: not known
};

struct Job {
  Uuid uuid;
  JobNumber number{};
  std::string function;
  InputKind input = InputKind::whole;
  Encoding encoding = Encoding::raw;  ///< of the payloads
  JobState state = JobState::waiting;
  ErrorCode failure = ErrorCode::none;
  bool open = false;
  bool blob = false;          ///< it is one (wire/blob.hpp): kept, never run
  bool costed = false;        ///< there are cost hints: its work is counted in them
  bool finishing = false;     ///< the finish lease is out or done
  bool winding_down = false;  ///< what no worker has begun is cancelled; no more is granted
  bool planning = false;      ///< its tasks wait for the plan that is being made
  bool dirty = false;         ///< among the core's dirty jobs
  std::uint32_t planned = 0;  ///< of its tasks: each waits for one worker
  std::int64_t base = 0;      ///< range: value of index 0
  std::int64_t range_end = 0;
  std::string name;
  OptionsOfJob options;  ///< but the name
  Box<wire::Buffer> common;
  Lazy<std::vector<JobNumber>> blobs;  ///< jobs that are the blobs it needs; it holds each
  Lazy<Keeping> keeping;               ///< of a blob
  Lazy<KeyedInput> keyed;
  std::string principal;  ///< name of its owner
  double principal_weight = 1;
  double weight_max = kNoWeightMax;  ///< what its client may ask for
  wire::SessionId owner{};
  Box<wire::Time> orphan_until;  ///< its owner is gone: cancelled then

  std::string reason;
  std::shared_ptr<const Decision> decision;  ///< shared with other jobs of its kind

  std::uint64_t accepted = 0;        ///< payloads taken in (range: N)
  std::uint64_t accepted_bytes = 0;  ///< of APPEND credit
  std::uint64_t credit_to = 0;
  std::uint64_t credit_told = 0;  ///< what its client knows of it
  std::uint64_t total = 0;        ///< tasks
  Payloads payloads;
  Lazy<CostHints> costs;  ///< none: all tasks cost the same
  wire::IntervalSet pending;
  Lazy<std::multimap<wire::Time, wire::Interval>> backing_off;
  std::uint64_t leased = 0;
  std::size_t leases_out = 0;  ///< merges too
  wire::IntervalSet ended;
  Lazy<wire::IntervalSet> failed_tasks;  ///< of the ended ones; their payloads are kept for RETRY
  Lazy<wire::IntervalSet>
      unsure;  ///< after a restart: leased before it, so a worker may still hold them
  std::uint64_t frontier = 0;  ///< tasks from here on were never leased
  std::uint64_t recovered_frontier =
      0;  ///< as the store had it at the start of this broker; 0 for jobs that are younger
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  Lazy<Mishaps> mishaps;
  double busy_s = 0;  ///< slot time received
  IntervalCounts attempts;
  IntervalCounts crashes;
  Lazy<std::map<std::uint64_t, Suspects>> suspects;  // by first task

  ResultLog results;
  Box<Partials> partials;   ///< with a reducer
  Box<wire::Buffer> value;  ///< the reduced result, when final

  Pool* pool = nullptr;  ///< the workers that can run it, once it is decided
  PlaceInTurns place;

  Usage* usage = nullptr;           ///< its principal's
  Usage accounted;                  ///< of it within what the core and its principal use
  std::uint64_t charged_bytes = 0;  ///< of accounted.bytes, what counts for its principal
  std::uint64_t kept_bytes =
      0;                        ///< of its results, counted among those of ended jobs that are kept
  std::uint64_t unread = 0;     ///< bytes of its results, counted
  wire::SessionId unread_of{};  ///< for this session

  std::vector<Follower> followers;
  Shares shares;
  Timeline timeline;

  double used = 0;          ///< slot-seconds received over weight: the virtual time of fair share
  double expected_out = 0;  ///< slot-seconds its leases should still take
  wire::Time submitted{};
  wire::Time started{};
  wire::Time finished{};
  double work_done = 0;     ///< in units of the function's rate
  wire::Time pace_since{};  ///< when its pace was taken
  Lazy<Pace> pace;

  // When what the store does not have yet will be durable; see core_store.cpp.
  std::uint64_t born_ticket = 0;          ///< its intake
  std::uint64_t lease_ticket = 0;         ///< what its leases must wait for: intake and frontier
  std::uint64_t ticket = 0;               ///< everything about it
  std::uint64_t results_stored_from = 0;  ///< entries below are dropped in the store too

  double weight() const { return std::min(options->weight, weight_max); }
  /// Work of one task, in units of the function's rate: of the mean one, and of a certain one.
  double unit() const {
    if (!costs->empty()) return costs->mean();
    return options->cost > 0 ? options->cost : 1;
  }
  double work_of(const wire::Intervals& tasks) const {
    if (costs->empty()) return static_cast<double>(wire::size(tasks)) * unit();
    double sum = 0;
    for (const auto& some : tasks)
      for (std::uint64_t task = some.begin; task < some.end; ++task) sum += work_of(task);
    return sum;
  }
  double work_of(std::uint64_t task) const {
    return task < costs->size() ? costs->of(task) : unit();
  }
  bool durable() const { return options->durability == Durability::durable; }
  bool final() const { return is_final(state); }
  /// It cannot go on: settle() ends it.
  void fail(ErrorCode code, std::string why) {
    failure = code;
    reason = std::move(why);
  }
  bool has_failed() const { return failure != ErrorCode::none; }
  /// Nothing more comes, although its client did not say so: what came is nobody's whole input.
  void cut_input() {
    if (open && keyed->print.items != 0) keyed.edit().print.items = 0;
    open = false;
  }
  /// Takes its pace, if the last time is a second ago.
  void take_pace(wire::Time now) {
    constexpr double kRecent = 0.5;  // how much of what it got of late is of the last second
    if (now - pace_since < std::chrono::seconds(1)) return;
    const double s = std::chrono::duration<double>(now - pace_since).count();
    pace_since = now;
    if (done == 0 && work_done <= 0) return;
    Pace& at = pace.edit();
    at.rate = static_cast<double>(done - at.done) / s;
    const double work = (work_done - at.work) / s;
    at.recent_work = at.recent_work > 0 ? at.recent_work + kRecent * (work - at.recent_work) : work;
    at.work = work_done;
    at.done = done;
  }
  /// The one partial that is left waits for the function's finishing step.
  bool wants_finish() const {
    return partials && !finishing && !value && decision->finish && all_ended() &&
           failed + cancelled == 0 && partials->out() == 0 && partials->count() == 1;
  }
  /// Partials wait for a worker that merges them, perhaps (not all are neighbours), or finishes the
  /// last.
  bool wants_merge() const {
    if (!partials || finishing) return false;
    const std::size_t here = partials->count() - partials->out();
    return wants_finish() || (here >= (all_ended() ? 2 : Partials::kMergeFrom) &&
                              !wire::builtin_reducer(decision->reduce));
  }
  /// May want a lease: tasks wait, or partials wait to be merged or finished.
  bool wants_leases() const {
    return !final() && !has_failed() && decision && !winding_down &&
           (!pending.empty() || wants_merge());
  }
  double turn_key() const { return used + expected_out / weight(); }
  /// Its tasks are dealt out; not when a plan says where they go.
  bool wants_turn() const { return wants_leases() && !planning && planned == 0; }
  bool all_ended() const { return !open && ended.size() == total; }
  std::uint64_t backing() const {
    std::uint64_t n = 0;
    for (const auto& [due, tasks] : *backing_off) n += tasks.size();
    return n;
  }
  bool has_common() const { return common || !options->blobs.empty(); }
  bool has_payloads() const {
    return input != InputKind::range || (decision && decision->takes == Takes::whole);
  }
  std::uint64_t bytes() const {
    return payloads.bytes() + results.bytes() + (partials ? partials->bytes() : 0) +
           (value ? value->size() : 0) + (common ? common->size() : 0) + costs->bytes();
  }
};

// With what a map adds to it a job just fits a block of 1 KiB, and the next larger size that
// allocators give out is 1.25 KiB: with a million jobs waiting, 8 bytes more cost 256 MB. What few
// jobs have belongs into a Lazy or a Box.
static_assert(sizeof(Job) <= 984, "a queued job has outgrown its block of memory");

}  // namespace quern::broker
