#include "broker/core/scheduling/dispatcher.hpp"

#include <algorithm>

#include "broker/core/base/seconds.hpp"

namespace quern::broker {
namespace {

// With more kinds of work than this waiting at once the comparison is not made.
constexpr std::size_t kKindsCompared = 32;

// What one settle() may do, in looks at a worker; a lease counts as some. About a millisecond, so
// that the router is not deaf for longer.
constexpr std::int64_t kBudget = 50'000;

constexpr std::int64_t kLeaseCosts = 100;

// Priorities that get nothing, before it is asked whether any would; and up to how many pairs of a
// kind of work and a worker with room that is asked.
constexpr std::size_t kLevelsInVain = 8;

constexpr std::size_t kPairsLookedAt = 2048;

// Jobs that wait for their payloads to come from the store while others are passed over: beyond
// that the disk is busy enough.
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
  ++round_.number;  // reservations of the one before are over

  round_.budget = kBudget;
  round_.cut_short = false;
  // A lease is large: it should not move from array to array as they grow.
  context_.effects.reserve(
      context_.effects.size() +
      std::min<std::size_t>(2 * pools_.may_have_room().size(), kBudget / kLeaseCosts));
  planner_.plan_ahead(now);
  std::size_t in_vain = 0;
  for (auto& [falling, level] : queue_.levels()) {
    if (pools_.may_have_room().empty() || round_.budget < 0) break;
    // Very many priorities may wait for the same busy workers while others idle.
    if (in_vain++ % kLevelsInVain == 0 && !room_for_any()) break;
    const std::uint64_t before = context_.counters.leases;
    const bool choosy = level.wanted.size() > 1 && level.wanted.size() <= kKindsCompared;
    // Who left something to others because it is better at something else takes it when it gets
    // nothing of that either.
    if (serve(level, choosy, now)) serve(level, false, now);
    if (context_.counters.leases != before) in_vain = 0;
    // Who waits for a plan goes before lower priorities all the same.
    if (plans_.plan().next && plans_.plan().holds && plans_.plan().falling == falling) break;
  }
  tail_.rebalance(now);
}

bool Dispatcher::room_for_any() {
  const auto& wanted = queue_.wanted();
  // Too many to look at all, or what is planned or merged is no matter of pools.
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
    if (round_.budget-- < 0) {  // the router has others to listen to; who was looked at in vain
                                // stays aside until the others were
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
    // When nobody has room for one job, nobody has for the others of its kind.
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
      if (round_.loading > kLoadingMost) break;  // on_loaded() goes on
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
  if (eviction_.over_result_share(job)) return false;
  if (!journal_.ready_to_carve(job)) return ++round_.loading, false;  // on_loaded() goes on
  pools_.refresh(job);
  const Pool::Member* member = choice_.choose(job, choosy, now);
  if (!member) return false;
  grants_.grant_tasks(job, *member, now);
  return true;
}

}  // namespace quern::broker
