// Which workers can run a job, which of them have room, and what is learnt of their speed.
#include <algorithm>

#include "broker/core/core.hpp"
#include "broker/core/seconds.hpp"
#include "broker/core/sizing.hpp"

namespace quern::broker {
namespace {

// A worker gets work beyond its slots while what it holds is expected to end within this time per
// slot: it hides the round trip. Longer tasks wait at the broker, where any worker can take them.
constexpr double kPrefetch = 1.5 * kLeaseMax;
// Leases that are short, together no longer than this, need more than one in the queue to hide the
// same round trip.
constexpr double kPrefetchShort = 0.005;
constexpr std::size_t kPrefetchShortLeases = 4;
// Where they are short because their jobs are, many are: one wake-up of each thread on the way
// serves several of them then. (Of a large job whose leases are still growing no more than the
// above: what comes later is larger.) Jobs of one task each take 13,000 a second with 4, 24,000
// with 16 and no more with 32 (`quern bench throughput --tasks 20000 --jobs 20000`).
constexpr std::size_t kPrefetchRests = 16;
constexpr std::size_t kPrefetchMost =
    1024;  // in all: what is known of a worker's queue is looked at lease by lease
// With more pools than this (jobs of very many different requirements) a change is not told to
// each.
constexpr std::size_t kPoolsTold = 64;

}  // namespace

Need Core::need_of(const Job& job) const {
  return {
      job.function,           job.decision->takes, job.decision->encoding,   job.options->require,
      job.options->resources, job.costed,          job.options->at_most_once};
}

void Core::join_pool(Job& job) {
  if (job.pool || !job.decision) return;
  Need need = need_of(job);
  auto it = pools_.find(need);
  if (it == pools_.end()) {
    it = pools_.emplace(need, Pool(need)).first;
    for (auto& [id, worker] : workers_)
      if (need.met_by(worker)) it->second.add(worker);
  }
  ++it->second.users;
  job.pool = &it->second;
  changed_for_plan(job);
}

void Core::leave_pool(Job& job) {
  if (!job.pool) return;
  Pool* pool = std::exchange(job.pool, nullptr);
  if (--pool->users == 0) pools_.erase(Need(pool->need()));
}

void Core::join_pools(Worker& worker) {
  for (auto& [need, pool] : pools_) {
    if (need.met_by(worker))
      pool.add(worker);
    else
      pool.remove(worker);
  }
  plan_.stale = true;
  note_room(worker);
}

void Core::leave_pools(Worker& worker) {
  for (auto& [need, pool] : pools_) pool.remove(worker);
  offers_.remove(worker);
  std::erase(roomy_, &worker);
  drop_planned(worker);
  worker.listed = false;
  plan_.stale = true;
}

void Core::note_room(Worker& worker) {
  dispatch_needed_ = true;
  if (worker.listed || worker.draining) return;
  worker.listed = true;
  roomy_.push_back(&worker);
}

void Core::learnt(Worker& worker, Job& job, FunctionRecord& record) {
  if (!job.pool) return;
  const bool first = job.pool->mean_rate() <= 0;
  if (pools_.size() > kPoolsTold) job.pool->update(worker);
  tell_pools(worker, job.pool->need().function);
  if (first) changed_for_plan(job);
  const double mean = job.pool->mean_rate();
  if (mean <= 0) return;
  record.relative = record.rate.per_second() / mean;
  note_specialist(worker);
}

void Core::tell_pools(Worker& worker, const std::string& function) {
  worker.learnt = true;
  if (pools_.size() >
      kPoolsTold) {  // with very many requirements each pool looks for itself when it is asked
    ++rates_told_;
    return;
  }
  for (auto it = pools_.lower_bound(Need{function, {}, {}, {}, {}});
       it != pools_.end() && it->first.function == function; ++it)
    it->second.update(worker);
}

void Core::tell_pools(Worker& worker) {
  if (pools_.size() > kPoolsTold) {
    ++rates_told_;
    return;
  }
  for (auto& [need, pool] : pools_) pool.update(worker);
}

bool Core::has_room(const Worker& worker) const {
  const std::size_t slots = worker.slots();
  if (worker.draining || slots == 0 || worker.bytes_out >= worker.offer.credit_bytes) return false;
  if (worker.leases.size() >= slots) {
    if (worker.reserved_in == dispatches_) return false;
    if (worker.first_leases > 0) return false;  // they may take much longer than elsewhere
    const double per_slot = worker.expected_s / static_cast<double>(slots);
    if (per_slot > kPrefetchShort)
      return per_slot <= kPrefetch && worker.leases.size() < 2 * slots &&
             worker.connection->reachable;
    const std::size_t larger = worker.leases.size() - worker.rests;
    if (larger >= kPrefetchShortLeases * slots ||
        worker.leases.size() >=
            std::min(kPrefetchRests * slots, std::max(kPrefetchMost, 2 * slots)))
      return false;
  }
  return worker.connection->reachable;
}

double Core::ready_s(const Worker& worker, Time now) const {
  const std::size_t slots = worker.slots();
  if (worker.leases.size() < slots || slots == 0) return 0;
  double left = 0;
  std::size_t n = 0;
  for (const Lease* lease : worker.leases) {
    const double elapsed = n++ < slots ? seconds(now - lease->granted) : 0;
    // Overdue: assume it needs as long again as it is late.
    left += elapsed < lease->expected_s ? lease->expected_s - elapsed : elapsed - lease->expected_s;
  }
  return left / static_cast<double>(slots);
}

}  // namespace quern::broker
