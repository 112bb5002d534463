// Who gets the next lease. dispatch() takes the jobs in their turn (turns.hpp); dispatch_job()
// finds a worker for one lease of a job: as planned; or, of a job with plenty of tasks, any that
// has room and nothing it is far better at; or, when the choice matters, by earliest completion:
// min over workers of (ready_j + T_i / R_j). core_grant.cpp makes the lease.
#include <algorithm>

#include "broker/core/core.hpp"
#include "broker/core/placement.hpp"
#include "broker/core/seconds.hpp"

namespace quern::broker {
namespace {

using std::chrono::milliseconds;

// Fewer tasks than this per slot: the choice of the worker matters, so busy ones are weighed too.
constexpr std::uint64_t kPlentyPerSlot = 4;
// A sum of what waits for the same workers holds for so long for each kind of work in it: making it
// takes about a hundredth of that.
constexpr std::chrono::microseconds kWaitingHolds{10};
// What is held back for a busy, faster worker is looked at again when that one should be free, and
// not more often than this.
constexpr milliseconds kRetryHeldBack{20};
// With more kinds of work than this waiting at once the comparison is not made.
constexpr std::size_t kKindsCompared = 32;

// What one settle() may do, in looks at a worker; a lease counts as some. About a millisecond, so
// that the router is not deaf for longer.
constexpr std::int64_t kBudget = 50'000;
constexpr std::int64_t kLeaseCosts = 100;

// A look at all workers of a large pool, of which some have room: done again only after this much
// for each worker that was looked at or passed over, which is about twice what it takes. Until then
// who has nothing at all to do gets something, if it is not much slower than the others.
constexpr std::size_t kManyLooks = 256;
constexpr std::chrono::microseconds kTimePerLook{2};
constexpr double kNotSlow = 0.75;
constexpr std::size_t kIdleLooks = 64;
// Priorities that get nothing, before it is asked whether any would; and up to how many pairs of a
// kind of work and a worker with room that is asked.
constexpr std::size_t kLevelsInVain = 8;
constexpr std::size_t kPairsLookedAt = 2048;
// Jobs that wait for their payloads to come from the store while others are passed over: beyond
// that the disk is busy enough.
constexpr int kLoadingMost = 64;
// Workers that are looked at for a reservation.
constexpr std::size_t kReserveLooks = 64;

}  // namespace

void Core::release_backing_off(Time now) {
  while (!backing_off_.empty() && backing_off_.begin()->first <= now) {
    auto it = jobs_.find(backing_off_.begin()->second);
    backing_off_.erase(backing_off_.begin());
    if (it == jobs_.end()) continue;
    Job& job = it->second;
    while (!job.backing_off->empty() && job.backing_off->begin()->first <= now) {
      job.pending.add(job.backing_off->begin()->second);
      job.backing_off.edit().erase(job.backing_off->begin());
    }
    changed_for_plan(job);
    touch(job);
    dispatch_needed_ = true;
  }
}

void Core::reorder(Job& job) {
  if (!job.final()) join_pool(job);
  turns_.update(job);
}

void Core::retry_dispatch_at(Time when) {
  if (!retry_dispatch_ || when < *retry_dispatch_) retry_dispatch_ = when;
}

void Core::dispatch(Time now) {
  release_backing_off(now);
  look_at_doubts(now);
  if (offers_.news() || !redecide_.empty()) decide_waiting(now);
  for (JobNumber number : dirty_)
    if (auto it = jobs_.find(number); it != jobs_.end()) reorder(it->second);
  if (retry_dispatch_ && now >= *retry_dispatch_) dispatch_needed_ = true;
  if (!dispatch_needed_) return;
  dispatch_needed_ = false;
  retry_dispatch_.reset();
  ++dispatches_;  // reservations of the one before are over

  budget_ = kBudget;
  cut_short_ = false;
  // A lease is large: it should not move from array to array as they grow.
  effects_.reserve(effects_.size() +
                   std::min<std::size_t>(2 * roomy_.size(), kBudget / kLeaseCosts));
  plan_ahead(now);
  std::size_t in_vain = 0;
  for (auto& [falling, level] : turns_.levels()) {
    if (roomy_.empty() || budget_ < 0) break;
    // Very many priorities may wait for the same busy workers while others idle.
    if (in_vain++ % kLevelsInVain == 0 && !room_for_any()) break;
    const std::uint64_t before = counters_.leases;
    const bool choosy = level.wanted.size() > 1 && level.wanted.size() <= kKindsCompared;
    // Who left something to others because it is better at something else takes it when it gets
    // nothing of that either.
    if (serve(level, choosy, now)) serve(level, false, now);
    if (counters_.leases != before) in_vain = 0;
    // Who waits for a plan goes before lower priorities all the same.
    if (plan_.next && plan_.holds && plan_.falling == falling) break;
  }
  rebalance(now);
}

bool Core::room_for_any() {
  const auto& wanted = turns_.wanted();
  // Too many to look at all, or what is planned or merged is no matter of pools.
  if (wanted.size() * roomy_.size() > kPairsLookedAt || !plan_.waiting.empty() ||
      turns_.merging() > 0)
    return true;
  budget_ -= static_cast<std::int64_t>(wanted.size());
  return std::any_of(wanted.begin(), wanted.end(), [&](const auto& kind) {
    return std::any_of(roomy_.begin(), roomy_.end(), [&, pool = kind.first](const Worker* worker) {
      return pool->of(*worker) && has_room(*worker) && pool->need().free_on(*worker);
    });
  });
}

bool Core::serve(Level& level, bool choosy, Time now) {
  left_to_others_ = false;
  placing_ = nullptr;
  loading_ = 0;
  ++serving_;
  while (!roomy_.empty()) {
    if (budget_-- < 0) {  // the router has others to listen to; who was looked at in vain stays
                          // aside until the others were
      retry_dispatch_at(now);
      cut_short_ = true;
      if (placing_)
        placing_->pool->look_at[0] = placing_->pool->look_at[1] = {};  // it goes on at once
      return false;
    }
    Job* job = turns_.next(level);
    if (grant_planned(level, job, now)) {
      placing_ = nullptr;
      continue;
    }
    if (!job) break;
    ++counters_.turns;
    if (placing_ != job) placing_ = nullptr;
    // When nobody has room for one job, nobody has for the others of its kind.
    const auto nobody = [&] {
      return job->pool && job->pool->no_room_in == serving_ && !job->wants_merge();
    };
    if (!nobody() && dispatch_job(*job, choosy, now)) {
      budget_ -= kLeaseCosts;
      turns_.serve(*job);
      reorder(*job);
    } else if (nobody()) {
      turns_.set_queue_aside(*job);
    } else {
      turns_.set_aside(*job);
      if (loading_ > kLoadingMost) break;  // on_loaded() goes on
    }
  }
  turns_.restore();
  return left_to_others_ && !roomy_.empty() && budget_ >= 0;
}

bool Core::over_result_share(const Job& job) const { return job.results.bytes() > result_share(); }

bool Core::dispatch_job(Job& job, bool choosy, Time now) {
  if (grant_merge(job, now)) {
    placing_ = nullptr;
    return true;
  }
  if (job.pending.empty() || !job.pool) return false;
  if (over_result_share(job)) return false;
  if (!ready_to_carve(job)) return ++loading_, false;  // on_loaded() goes on
  job.pool->refresh(rates_told_);
  const bool plenty = waiting_beside(job, now) > kPlentyPerSlot * job.pool->slots();
  if (plenty) placing_ = nullptr;
  const Pool::Member* member = plenty ? any_with_room(job, choosy) : best_for(job, choosy, now);
  if (!member) {
    if (job.options->at_most_once) reserve_one(*job.pool);
    return false;
  }
  grant_tasks(job, *member, now);
  return true;
}

void Core::reserve_one(const Pool& pool) {
  Worker* shortest = nullptr;
  std::size_t looks = kReserveLooks;
  for (const Pool::Member& member : pool.members()) {
    if (looks-- == 0) break;
    Worker& worker = *member.worker;
    if (worker.draining || worker.slots() == 0 || worker.reserved_in == dispatches_ ||
        !worker.connection->reachable)
      continue;
    if (!shortest || worker.leases.size() < shortest->leases.size()) shortest = &worker;
  }
  if (shortest) shortest->reserved_in = dispatches_;
}

std::uint64_t Core::waiting_beside(const Job& job, Time now) {
  // Of many small jobs none has plenty by itself, and yet the choice does not matter: whoever is
  // slow at this one is needed for the others. They may be of very many kinds, so those are added
  // up now and then only.
  Level& level = *job.place.level;
  if (now >= level.waiting_until) {
    level.waiting_until = now + kWaitingHolds * level.wanted.size();
    level.waiting.clear();
    for (const auto& [pool, wanted] : level.wanted)
      if (pool->need().plain())
        level.waiting[pool->crew()] +=
            wanted.tasks;  // others may wait for a resource, not for a worker
  }
  const auto kind = level.wanted.find(job.pool);
  const auto all = level.waiting.find(job.pool->crew());
  return std::max({job.pending.size(), kind == level.wanted.end() ? 0 : kind->second.tasks,
                   all == level.waiting.end() ? 0 : all->second});
}

const Pool::Member* Core::any_with_room(const Job& job, bool choosy) {
  bool room = false;
  const auto suits = [&](const Pool::Member& member) {
    if (!job.pool->need().free_on(*member.worker)) return false;
    room = true;
    if (!choosy || !better_elsewhere(job, member)) return true;
    left_to_others_ = true;
    return false;
  };
  // Of the workers with room most may be of other kinds: the few of this one are looked at then.
  if (job.pool->members().size() < roomy_.size()) {
    for (const auto& member : job.pool->members()) {
      --budget_;
      if (member.worker->listed && has_room(*member.worker) && suits(member)) return &member;
    }
    if (!room) job.pool->no_room_in = serving_;
    return nullptr;
  }
  for (std::size_t i = 0; i < roomy_.size();) {
    Worker& worker = *roomy_[i];
    if (!has_room(worker)) {
      worker.listed = false;
      roomy_[i] = roomy_.back();
      roomy_.pop_back();
      continue;
    }
    ++i;
    --budget_;
    if (const Pool::Member* member = job.pool->of(worker); member && suits(*member)) return member;
  }
  if (!room) job.pool->no_room_in = serving_;
  return nullptr;
}

const Pool::Member* Core::any_idle(const Job& job) const {
  const double enough = kNotSlow * job.pool->mean_rate();
  // Who got room last is at the end.
  const std::size_t looks = std::min(kIdleLooks, roomy_.size());
  for (auto it = roomy_.rbegin(); it != roomy_.rbegin() + static_cast<std::ptrdiff_t>(looks);
       ++it) {
    const Worker& worker = **it;
    if (!worker.leases.empty() || !has_room(worker)) continue;
    const Pool::Member* member = job.pool->of(worker);
    if (member && member->rate >= enough && job.pool->need().free_on(worker)) return member;
  }
  return nullptr;
}

const Pool::Member* Core::best_for(const Job& job, bool choosy, Time now) {
  const auto& members = job.pool->members();
  Time& look_at = job.pool->look_at[choosy ? 0 : 1];
  // As long as nobody else gets anything, what was found out of the workers holds.
  if (placing_ != &job) {
    if (now < look_at) {
      const Pool::Member* idle = any_idle(job);
      if (!idle) retry_dispatch_at(look_at);
      return idle;
    }
    placing_ = &job;
    std::vector<Candidate> candidates = std::move(placer_.storage());
    candidates.clear();
    const bool unknown = job.pool->mean_rate() <= 0;
    bool room = false, left = false;
    for (std::size_t i = 0; i < members.size(); ++i) {
      const Worker& worker = *members[i].worker;
      // Who cannot be reached is not busy: nothing waits for it.
      if (worker.slots() == 0 || !worker.connection->reachable) continue;
      if (choosy && better_elsewhere(job, members[i])) {
        left_to_others_ = left = true;
        continue;
      }
      const bool free = has_room(worker) && job.pool->need().free_on(worker);
      room = room || free;
      candidates.push_back({i, ready_s(worker, now),
                            (unknown ? 1 : cautious_rate(*job.pool, members[i])) / job.unit(),
                            worker.slots(), free});
    }
    budget_ -= static_cast<std::int64_t>(members.size());
    if (members.size() > kManyLooks) look_at = now + kTimePerLook * members.size();
    if (!room) candidates.clear();
    if (!room && !left) {
      job.pool->no_room_in = serving_;
      // As many were just looked at: whoever is listed in vain goes, so that the next look finds
      // nobody at once.
      if (roomy_.size() <= members.size())
        std::erase_if(roomy_,
                      [this](Worker* worker) { return !(worker->listed = has_room(*worker)); });
    }
    placer_.begin(std::move(candidates));
  } else if (!placer_.empty() && placed_) {
    const Worker& worker = *members[*placed_].worker;
    placer_.placed(ready_s(worker, now), has_room(worker) && job.pool->need().free_on(worker));
  }
  placed_.reset();
  if (placer_.empty()) return nullptr;
  const Placement placed = placer_.next(job.pending.size());
  placed_ = placed.worker;
  budget_ -= static_cast<std::int64_t>(placed.passed);
  if (members.size() > kManyLooks) look_at += kTimePerLook * placed.passed;
  if (placed.worker) return &members[*placed.worker];
  retry_dispatch_at(now + std::max<wire::Duration>(kRetryHeldBack, duration(placed.wait_s)));
  return nullptr;
}

}  // namespace quern::broker
