#include "broker/core/scheduling/pools.hpp"

#include <algorithm>

#include "broker/core/base/seconds.hpp"
#include "broker/core/scheduling/sizing.hpp"

namespace quern::broker {
namespace {

// A worker gets work beyond its slots while its leases are expected to end within this time per
// slot. This hides the round trip. Longer tasks wait at the broker, where any worker can take them.
constexpr double kPrefetch = 1.5 * kLeaseMax;

// If leases are short (together no longer than this), more than one has to be queued to hide the
// same round trip.
constexpr double kPrefetchShort = 0.005;

constexpr std::size_t kPrefetchShortLeases = 4;

// Leases that are short because their jobs are small come in large numbers. Then one wake-up of
// each thread on the way serves several of them. (A large job whose leases are still growing is
// limited by the constant above, because its next leases are larger.) Jobs of one task each reach
// 13,000 per second with 4, 24,000 with 16 and no more with 32 (`quern bench throughput --tasks
// 20000 --jobs 20000`).
constexpr std::size_t kPrefetchRests = 16;

constexpr std::size_t kPrefetchMost =
    1024;  // in all, because a worker's queue is examined lease by lease
// With more pools than this (jobs with very many different requirements), pools are not notified of
// each change.
constexpr std::size_t kPoolsTold = 64;

}  // namespace

Need Pools::need_of(const Job& job) {
  return {job.spec.function,
          job.run.decision->takes,
          job.run.decision->encoding,
          job.spec.options->require,
          job.spec.options->resources,
          job.spec.costed,
          job.spec.options->at_most_once};
}

void Pools::join(Job& job) {
  if (job.run.pool || !job.run.decision) return;
  Need need = need_of(job);
  auto it = pools_.find(need);
  if (it == pools_.end()) {
    it = pools_.emplace(need, Pool(need)).first;
    for (auto& [id, worker] : workers_.all())
      if (need.met_by(worker)) it->second.add(worker);
  }
  ++it->second.users;
  job.run.pool = &it->second;
  plans_.on_changed(job);
}

void Pools::leave(Job& job) {
  if (!job.run.pool) return;
  Pool* pool = std::exchange(job.run.pool, nullptr);
  if (--pool->users == 0) pools_.erase(Need(pool->need()));
}

void Pools::join(Worker& worker) {
  for (auto& [need, pool] : pools_) {
    if (need.met_by(worker))
      pool.add(worker);
    else
      pool.remove(worker);
  }
  plans_.make_stale();
  note_room(worker);
}

void Pools::leave(Worker& worker) {
  for (auto& [need, pool] : pools_) pool.remove(worker);
  std::erase(may_have_room_, &worker);
  plans_.drop(worker);
  worker.marks.listed = false;
  plans_.make_stale();
}

void Pools::note_room(Worker& worker) {
  context_.dispatch_needed = true;
  if (worker.marks.listed || worker.marks.draining) return;
  worker.marks.listed = true;
  may_have_room_.push_back(&worker);
}

void Pools::tell(Worker& worker, const std::string& function) {
  worker.speed.learnt = true;
  if (pools_.size() >
      kPoolsTold) {  // with very many requirements, each pool updates itself when it is used
    ++rates_told_;
    return;
  }
  for (auto it = pools_.lower_bound(Need{function, {}, {}, {}, {}});
       it != pools_.end() && it->first.function == function; ++it)
    it->second.update(worker);
}

void Pools::tell(Worker& worker, const Job& job) {
  if (pools_.size() > kPoolsTold) job.run.pool->update(worker);
  tell(worker, job.run.pool->need().function);
}

void Pools::drop_full() {
  std::erase_if(may_have_room_,
                [this](Worker* worker) { return !(worker->marks.listed = has_room(*worker)); });
}

void Pools::tell(Worker& worker) {
  if (pools_.size() > kPoolsTold) {
    ++rates_told_;
    return;
  }
  for (auto& [need, pool] : pools_) pool.update(worker);
}

bool Pools::has_room(const Worker& worker) const {
  const std::size_t slots = worker.slots();
  if (worker.marks.draining || slots == 0 ||
      worker.holds.bytes >= worker.declared.offer.credit_bytes)
    return false;
  if (worker.holds.leases.size() >= slots) {
    if (worker.marks.reserved_in == round_.number) return false;
    // The duration of first leases is unknown, so nothing is queued behind them.
    if (worker.holds.first_leases > 0) return false;
    const double per_slot = worker.holds.expected_s / static_cast<double>(slots);
    if (per_slot > kPrefetchShort)
      return per_slot <= kPrefetch && worker.holds.leases.size() < 2 * slots &&
             worker.connection->reachable;
    const std::size_t larger = worker.holds.leases.size() - worker.holds.rests;
    if (larger >= kPrefetchShortLeases * slots ||
        worker.holds.leases.size() >=
            std::min(kPrefetchRests * slots, std::max(kPrefetchMost, 2 * slots)))
      return false;
  }
  return worker.connection->reachable;
}

double Pools::ready_s(const Worker& worker, Time now) {
  const std::size_t slots = worker.slots();
  if (worker.holds.leases.size() < slots || slots == 0) return 0;
  double left = 0;
  std::size_t n = 0;
  for (const Lease* lease : worker.holds.leases) {
    if (lease->run.waits) {
      ++n;
      continue;
    }
    const double elapsed = n++ < slots ? seconds(now - lease->granted) : 0;
    // Overdue: assume that it needs as long again as it is late.
    left += elapsed < lease->expected_s ? lease->expected_s - elapsed : elapsed - lease->expected_s;
  }
  return left / static_cast<double>(slots);
}

}  // namespace quern::broker
