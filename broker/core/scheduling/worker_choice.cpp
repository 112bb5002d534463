#include "broker/core/scheduling/worker_choice.hpp"

#include <algorithm>

#include "broker/core/base/seconds.hpp"

namespace quern::broker {
namespace {

// With fewer tasks than this per slot, the choice of the worker matters, so busy workers are
// considered too.
constexpr std::uint64_t kPlentyPerSlot = 4;

using std::chrono::milliseconds;

// The sum of what waits for the same workers stays valid for this long per kind of work in it;
// computing it takes about a hundredth of that.
constexpr std::chrono::microseconds kWaitingHolds{10};

// A job that is held back for a faster but busy worker is examined again when that worker should be
// free, but not more often than this.
constexpr milliseconds kRetryHeldBack{20};

// When some of a large pool's workers have room, all of them are examined again only after this
// time per worker that was examined or passed over, which is about twice what it takes. Until then,
// a worker with nothing at all to do gets a lease if it is not much slower than the others.
constexpr std::size_t kManyLooks = 256;

constexpr std::chrono::microseconds kTimePerLook{2};

constexpr double kNotSlow = 0.75;

constexpr std::size_t kIdleLooks = 64;

// How many workers are examined for a reservation.
constexpr std::size_t kReserveLooks = 64;

}  // namespace

const Pool::Member* WorkerChoice::choose(const Job& job, bool choosy, Time now) {
  const bool plenty = waiting_beside(job, now) > kPlentyPerSlot * job.run.pool->slots();
  if (plenty) forget();
  const Pool::Member* member = plenty ? any_with_room(job, choosy) : best_for(job, choosy, now);
  if (!member && job.spec.options->at_most_once) reserve_one(*job.run.pool);
  return member;
}

void WorkerChoice::look_again() {
  if (placing_) placing_->run.pool->look_at[0] = placing_->run.pool->look_at[1] = {};
}

void WorkerChoice::reserve_one(const Pool& pool) {
  Worker* shortest = nullptr;
  std::size_t looks = kReserveLooks;
  for (const Pool::Member& member : pool.members()) {
    if (looks-- == 0) break;
    Worker& worker = *member.worker;
    if (worker.marks.draining || worker.slots() == 0 || worker.marks.reserved_in == round_.number ||
        !worker.connection->reachable)
      continue;
    if (!shortest || worker.holds.leases.size() < shortest->holds.leases.size()) shortest = &worker;
  }
  if (shortest) shortest->marks.reserved_in = round_.number;
}

std::uint64_t WorkerChoice::waiting_beside(const Job& job, Time now) {
  // None of many small jobs has plenty of tasks by itself, and yet the choice does not matter: a
  // worker that is slow at this job is needed for the others. There may be very many kinds of them,
  // so they are added up only now and then.
  Level& level = *job.run.place.level;
  if (now >= level.waiting_until) {
    level.waiting_until = now + kWaitingHolds * level.wanted.size();
    level.waiting.clear();
    for (const auto& [pool, wanted] : level.wanted)
      if (pool->need().plain())
        level.waiting[pool->crew()] +=
            wanted.tasks;  // other jobs may wait for a resource, not for a worker
  }
  const auto kind = level.wanted.find(job.run.pool);
  const auto all = level.waiting.find(job.run.pool->crew());
  return std::max({job.tasks.pending.size(), kind == level.wanted.end() ? 0 : kind->second.tasks,
                   all == level.waiting.end() ? 0 : all->second});
}

const Pool::Member* WorkerChoice::any_with_room(const Job& job, bool choosy) {
  bool room = false;
  const auto suits = [&](const Pool::Member& member) {
    if (!job.run.pool->need().free_on(*member.worker)) return false;
    room = true;
    if (!choosy || !fitness_.better_elsewhere(job, member)) return true;
    round_.left_to_others = true;
    return false;
  };
  // Most of the workers with room may be of other kinds; then it is cheaper to examine the few
  // members of this pool.
  if (job.run.pool->members().size() < pools_.may_have_room().size()) {
    for (const auto& member : job.run.pool->members()) {
      --round_.budget;
      if (member.worker->marks.listed && pools_.has_room(*member.worker) && suits(member))
        return &member;
    }
    if (!room) job.run.pool->no_room_in = round_.pass;
    return nullptr;
  }
  for (std::size_t i = 0; i < pools_.may_have_room().size();) {
    Worker& worker = *pools_.may_have_room()[i];
    if (!pools_.has_room(worker)) {
      worker.marks.listed = false;
      pools_.may_have_room()[i] = pools_.may_have_room().back();
      pools_.may_have_room().pop_back();
      continue;
    }
    ++i;
    --round_.budget;
    if (const Pool::Member* member = job.run.pool->of(worker); member && suits(*member))
      return member;
  }
  if (!room) job.run.pool->no_room_in = round_.pass;
  return nullptr;
}

const Pool::Member* WorkerChoice::any_idle(const Job& job) const {
  const double enough = kNotSlow * job.run.pool->mean_rate();
  // The worker that got room last is at the end.
  const std::size_t looks = std::min(kIdleLooks, pools_.may_have_room().size());
  for (auto it = pools_.may_have_room().rbegin();
       it != pools_.may_have_room().rbegin() + static_cast<std::ptrdiff_t>(looks); ++it) {
    const Worker& worker = **it;
    if (!worker.holds.leases.empty() || !pools_.has_room(worker)) continue;
    const Pool::Member* member = job.run.pool->of(worker);
    if (member && member->rate >= enough && job.run.pool->need().free_on(worker)) return member;
  }
  return nullptr;
}

const Pool::Member* WorkerChoice::best_for(const Job& job, bool choosy, Time now) {
  const auto& members = job.run.pool->members();
  Time& look_at = job.run.pool->look_at[choosy ? 0 : 1];
  // As long as no other job gets a lease, what is known about the workers stays valid.
  if (placing_ != &job) {
    if (now < look_at) {
      const Pool::Member* idle = any_idle(job);
      if (!idle) context_.retry_dispatch_at(look_at);
      return idle;
    }
    placing_ = &job;
    std::vector<Candidate> candidates = std::move(placer_.storage());
    candidates.clear();
    const bool unknown = job.run.pool->mean_rate() <= 0;
    bool room = false, left = false;
    for (std::size_t i = 0; i < members.size(); ++i) {
      const Worker& worker = *members[i].worker;
      // An unreachable worker is not merely busy, so no job waits for it.
      if (worker.slots() == 0 || !worker.connection->reachable) continue;
      if (choosy && fitness_.better_elsewhere(job, members[i])) {
        round_.left_to_others = left = true;
        continue;
      }
      const bool free = pools_.has_room(worker) && job.run.pool->need().free_on(worker);
      room = room || free;
      candidates.push_back(
          {i, pools_.ready_s(worker, now),
           (unknown ? 1 : fitness_.cautious_rate(*job.run.pool, members[i])) / job.unit(),
           worker.slots(), free});
    }
    round_.budget -= static_cast<std::int64_t>(members.size());
    if (members.size() > kManyLooks) look_at = now + kTimePerLook * members.size();
    if (!room) candidates.clear();
    if (!room && !left) {
      job.run.pool->no_room_in = round_.pass;
      // Just as many workers were examined. Removing those without room now saves the next search.
      if (pools_.may_have_room().size() <= members.size()) pools_.drop_full();
    }
    placer_.begin(std::move(candidates));
  } else if (!placer_.empty() && placed_) {
    const Worker& worker = *members[*placed_].worker;
    placer_.placed(pools_.ready_s(worker, now),
                   pools_.has_room(worker) && job.run.pool->need().free_on(worker));
  }
  placed_.reset();
  if (placer_.empty()) return nullptr;
  const Placement placed = placer_.next(job.tasks.pending.size());
  placed_ = placed.worker;
  round_.budget -= static_cast<std::int64_t>(placed.passed);
  if (members.size() > kManyLooks) look_at += kTimePerLook * placed.passed;
  if (placed.worker) return &members[*placed.worker];
  context_.retry_dispatch_at(now +
                             std::max<wire::Duration>(kRetryHeldBack, duration(placed.wait_s)));
  return nullptr;
}

}  // namespace quern::broker
