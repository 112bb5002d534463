#include "broker/core/scheduling/dispatcher.hpp"

#include <algorithm>

#include "broker/core/base/seconds.hpp"

namespace quern::broker {
namespace {

// When more kinds of work than this wait, workers do not compare them.
constexpr std::size_t kKindsCompared = 32;

// The budget of one settle(), in examinations of a worker; a lease counts as several. This is about
// a millisecond, so that the router can read other messages in between.
constexpr std::int64_t kBudget = 50'000;

constexpr std::int64_t kLeaseCosts = 100;

// dispatch() checks whether any waiting job can run at all: at the start, and whenever this many
// priorities in a row got no lease. It checks at most this many pairs of a kind of work and a
// worker with room.
constexpr std::size_t kLevelsInVain = 8;

constexpr std::size_t kPairsLookedAt = 2048;

// How many jobs may wait for their payloads from the store while others are served. More would not
// make the disk any faster.
constexpr int kLoadingMost = 64;

}  // namespace

void Dispatcher::reorder(Job& job) {
  if (!job.final()) pools_.join(job);
  queue_.update(job);
}

void Dispatcher::dispatch(Time now) {
  for (const JobNumber number : jobs_.changed())
    if (Job* job = jobs_.find(number)) reorder(*job);
  if (context_.retry_dispatch && now >= *context_.retry_dispatch) context_.dispatch_needed = true;
  if (!context_.dispatch_needed) return;
  context_.dispatch_needed = false;
  context_.retry_dispatch.reset();
  ++round_.number;  // reservations end with each dispatch

  round_.budget = kBudget;
  round_.cut_short = false;
  // Leases are large: reserving space avoids moving them as the vector grows.
  context_.effects.reserve(
      context_.effects.size() +
      std::min<std::size_t>(2 * pools_.may_have_room().size(), kBudget / kLeaseCosts));
  planner_.plan_ahead(now);
  std::size_t in_vain = 0;
  for (auto& [falling, level] : queue_.levels()) {
    if (pools_.may_have_room().empty() || round_.budget < 0) break;
    // Very many priorities may wait for the same busy workers while other workers are idle.
    if (in_vain++ % kLevelsInVain == 0 && !room_for_any()) break;
    const std::uint64_t before = context_.counters.leases;
    const bool choosy = level.wanted.size() > 1 && level.wanted.size() <= kKindsCompared;
    // A worker that left a job to others, because it is better at something else, takes it after
    // all if it got nothing else in this pass.
    if (serve(level, choosy, now)) serve(level, false, now);
    if (context_.counters.leases != before) in_vain = 0;
    // Jobs that wait for a plan go before lower priorities, which would otherwise take their slots.
    if (plans_.plan().next && plans_.plan().holds && plans_.plan().falling == falling) break;
  }
  tail_.rebalance(now);
}

bool Dispatcher::room_for_any() {
  const auto& wanted = queue_.wanted();
  // There are too many pairs to examine, or there is work that does not depend on pools alone:
  // planned tasks and merges.
  if (wanted.size() * pools_.may_have_room().size() > kPairsLookedAt ||
      !plans_.plan().waiting.empty() || queue_.merging() > 0)
    return true;
  round_.budget -= static_cast<std::int64_t>(wanted.size());
  return std::any_of(wanted.begin(), wanted.end(), [&](const auto& kind) {
    return std::any_of(pools_.may_have_room().begin(), pools_.may_have_room().end(),
                       [&, pool = kind.first](const Worker* worker) {
                         return pool->of(*worker) && pools_.has_room(*worker) &&
                                pool->need().free_on(*worker);
                       });
  });
}

bool Dispatcher::serve(Level& level, bool choosy, Time now) {
  round_.left_to_others = false;
  choice_.forget();
  round_.loading = 0;
  ++round_.pass;
  while (!pools_.may_have_room().empty()) {
    // When the budget is used up, the router must read other messages first. Jobs that found no
    // worker stay aside until the others have had a turn.
    if (round_.budget-- < 0) {
      context_.retry_dispatch_at(now);
      round_.cut_short = true;
      choice_.look_again();
      return false;
    }
    Job* job = queue_.next(level);
    if (planner_.grant_planned(level, job, now)) {
      choice_.forget();
      continue;
    }
    if (!job) break;
    ++context_.counters.turns;
    choice_.forget_unless(job);
    // If no worker has room for one job, none has room for other jobs of the same kind.
    const auto nobody = [&] {
      return job->run.pool && job->run.pool->no_room_in == round_.pass && !job->wants_merge();
    };
    if (!nobody() && dispatch_job(*job, choosy, now)) {
      round_.budget -= kLeaseCosts;
      queue_.serve(*job);
      reorder(*job);
    } else if (nobody()) {
      queue_.set_queue_aside(*job);
    } else {
      queue_.set_aside(*job);
      if (round_.loading > kLoadingMost) break;  // on_loaded() continues
    }
  }
  queue_.restore();
  return round_.left_to_others && !pools_.may_have_room().empty() && round_.budget >= 0;
}

bool Dispatcher::dispatch_job(Job& job, bool choosy, Time now) {
  if (grants_.grant_merge(job, now)) {
    choice_.forget();
    return true;
  }
  if (job.tasks.pending.empty() || !job.run.pool) return false;
  // A job that holds more than its share of memory with unread results gets no more leases.
  if (eviction_.over_result_share(job)) return false;
  if (!journal_.ready_to_carve(job)) return ++round_.loading, false;  // on_loaded() continues
  pools_.refresh(job);
  const Pool::Member* member = choice_.choose(job, choosy, now);
  if (!member) return false;
  grants_.grant_tasks(job, *member, now);
  return true;
}

}  // namespace quern::broker
