// Who is better at what. When several kinds of work wait, a worker does what it is good at beside the others (its fitness); what that is has to be found out,
// and to find it out costs what a worker is bad at. So a first lease that takes longer than others took tells at once that its worker is slower; and a worker tries
// what it does not know early, but only where workers have shown that they differ in what they are good at, and while enough is left to do.
#include <algorithm>

#include "broker/core/core.hpp"

namespace quern::broker {
namespace {

// A worker that is so many times better at something else that waits, beside the others, does that.
constexpr double kFarBetter = 2;
// So many workers that know something else try a function at a time.
constexpr std::size_t kScouts = 2;
// A job that has so many times fewer leases out than another is short of workers.
constexpr double kShort = 2;
// A worker may be so many times worse than the others at what it does not know; to find that out is cheap when it takes less than this part of what is left.
constexpr double kWorse = 20;
constexpr double kCheap = 0.005;
// More jobs are not compared.
constexpr std::size_t kJobsCompared = 32;
// A worker that is so many times better at one function than at another, beside the others, is a specialist: others may be too.
constexpr double kSpecialist = 4;
// A first lease is looked at after this, then each time after as long again.
constexpr std::chrono::milliseconds kDoubtAfter{20};

/// What waits of a kind takes so long when all do that.
double waiting_s(const Pool& pool, const Wanted& wanted) { return wanted.work / pool.total_rate(); }

double seconds(wire::Duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

bool Core::better_elsewhere(const Job& job, const Pool::Member& member) const {
  if (job.leases_out == 0) return false;  // a job with nothing out is left to nobody
  const double fitness = job.pool->fitness(member);
  std::size_t unknown = 0;
  for (const auto& [pool, wanted] : job.place.level->wanted) {
    const Pool::Member* there = pool == job.pool ? nullptr : pool->of(*member.worker);
    if (!there) continue;
    if (pool->fitness(*there) > kFarBetter * fitness) return true;
    if (!member.known && there->known && is_good_at(*pool, *there)) return true;
    if (!there->known) ++unknown;
  }
  if (!member.known) return stays_with_known(job, *member.worker);
  return would_try_another(job, member, unknown);
}

// Who is not good at what it does tries what it does not know. Who is, does so only where far more is left than here, and as one of a few.
bool Core::would_try_another(const Job& job, const Pool::Member& member, std::size_t unknown) const {
  if (!specialists_ || unknown == 0) return false;
  const auto& wanted = job.place.level->wanted;
  const auto here = wanted.find(job.pool);
  const bool good = is_good_at(*job.pool, member);
  return std::any_of(wanted.begin(), wanted.end(), [&](const auto& other) {
    const auto& [pool, waiting] = other;
    const Pool::Member* there = pool->of(*member.worker);
    if (!there || there->known) return false;
    if (good && (pool->scouts >= kScouts || here == wanted.end() || waiting_s(*pool, waiting) <= kFarBetter * waiting_s(*job.pool, here->second))) return false;
    return worth_a_try(*pool, waiting, unknown);
  });
}

// Far better than the mean, or among the best of some that differ much.
bool Core::is_good_at(const Pool& pool, const Pool::Member& member) {
  return pool.fitness(member) >= kFarBetter || (pool.best_rate() >= kSpecialist * pool.worst_rate() && kFarBetter * member.rate >= pool.best_rate());
}

// What it does not know is left to others, but for a few scouts, as long as it has something that it can do and the other job has about its share.
bool Core::stays_with_known(const Job& unknown, const Worker& worker) const {
  if (unknown.pool->scouts < kScouts) return false;
  std::size_t looks = 0;
  for (const auto& turn : unknown.place.party->turns) {
    if (++looks > kJobsCompared) break;
    const Job& known = *turn.job;
    if (!known.pool || known.pool == unknown.pool || known.pending.empty()) continue;
    const Pool::Member* there = known.pool->of(worker);
    if (!there || !there->known || kFarBetter * known.pool->fitness(*there) < 1) continue;
    const auto wanted = unknown.place.level->wanted.find(known.pool);
    if (wanted == unknown.place.level->wanted.end() || kWorse * unknown.unit() / unknown.pool->mean_rate() < kCheap * waiting_s(*known.pool, wanted->second)) continue;
    if (static_cast<double>(unknown.leases_out) * known.weight() * kShort >= static_cast<double>(known.leases_out) * unknown.weight()) return true;
  }
  return false;
}

// Where workers differ in what they are good at, the last tasks are not for trying: a worker may be as bad as any at what it does not know.
double Core::cautious_rate(const Pool& pool, const Pool::Member& member) const {
  return member.known || !specialists_ ? member.rate : std::min(member.rate, pool.worst_rate());
}

// To try so many things, should it be as bad at each as anybody is, takes less than there is left to do.
bool Core::worth_a_try(const Pool& pool, const Wanted& wanted, std::size_t tries) {
  if (pool.worst_rate() <= 0) return false;
  const double costs_s = wanted.unit() / pool.worst_rate();
  return static_cast<double>(tries) * costs_s < waiting_s(pool, wanted);
}

void Core::note_specialist(const Worker& worker) {
  if (specialists_ || worker.records.size() < 2) return;
  double least = 0, most = 0;
  for (const auto& [name, record] : worker.records) {
    if (record.relative <= 0) continue;
    least = least > 0 ? std::min(least, record.relative) : record.relative;
    most = std::max(most, record.relative);
  }
  specialists_ = most > kSpecialist * least;
}

void Core::look_at_doubts(Time now) {
  while (!doubts_.empty() && doubts_.begin()->first <= now) {
    Lease* lease = find_lease(doubts_.begin()->second);
    doubts_.erase(doubts_.begin());
    if (!lease || !lease->held_by || lease->reported_tasks > 0) continue;
    Worker& worker = *lease->held_by;
    const Job& job = jobs_.at(lease->job);
    const Pool::Member* member = job.pool ? job.pool->of(worker) : nullptr;
    if (!member || (member->known && !lease->doubted)) continue;
    const auto running = worker.leases.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(worker.slots(), worker.leases.size()));
    const bool runs = std::find(worker.leases.begin(), running, lease) != running;
    const wire::Duration ran = runs ? now - std::max(lease->granted, worker.reported) : wire::Duration{};
    const double at_most = job.work_of(lease->open.list()) / std::max(1e-9, seconds(ran));
    if (at_most < job.pool->mean_rate()) {
      lease->doubted = true;
      member->record->at_most = at_most;
      tell_pools(worker, job.pool->need().function);
      dispatch_needed_ = true;
    }
    doubts_.emplace(now + std::max<wire::Duration>(kDoubtAfter, now - lease->granted), lease->id);
  }
}

// Nothing was measured, so nothing is known: it may have been the network.
void Core::forget_doubt(Lease& lease) {
  const Job& job = jobs_.at(lease.job);
  const Pool::Member* member = lease.held_by && job.pool ? job.pool->of(*lease.held_by) : nullptr;
  if (!std::exchange(lease.doubted, false) || !member) return;
  member->record->at_most = 0;
  tell_pools(*lease.held_by, job.pool->need().function);
}

}  // namespace quern::broker
