#include "broker/core/scheduling/fitness.hpp"

#include <algorithm>

#include "broker/core/base/seconds.hpp"
#include "broker/core/scheduling/sizing.hpp"

namespace quern::broker {
namespace {

// A worker prefers other waiting work if it is this many times better at it, relative to the
// others.
constexpr double kFarBetter = 2;

// How many workers that know another function explore an unknown one at the same time. Their
// measurements tell the others whether to follow.
constexpr std::size_t kExplorers = 2;

// A worker that is this many times better at one function than at another, relative to the others,
// is a specialist. Then other workers may be specialists too.
constexpr double kSpecialist = 4;

// A job lags behind by at most this many seconds of slot time on each slot, relative to its weight,
// so that others can explore a function.
constexpr double kLagMost = 1;

// How long a worker's outlook stays valid unless the worker has reported something new.
constexpr std::chrono::milliseconds kOutlookKept{10};

// The first lease of a function on a worker is probed after this time, and then each time its age
// has doubled.
constexpr std::chrono::milliseconds kProbeAfter{20};

/// How long the waiting work of one kind takes if all workers of the pool do it.
double waiting_s(const Pool& pool, const Wanted& wanted) { return wanted.work / pool.total_rate(); }

/// How long one task takes on a worker that is bad at it.
double try_s(const Pool& pool, double unit) {
  return pool.low_rate() > 0 ? unit / pool.low_rate() : kUnknownLease;
}

}  // namespace

void Fitness::learnt(Worker& worker, Job& job, FunctionRecord& record) {
  if (!job.run.pool) return;
  const bool first = job.run.pool->mean_rate() <= 0;
  pools_.tell(worker, job);
  if (first) plans_.on_changed(job);
  const double mean = job.run.pool->mean_rate();
  if (mean <= 0) return;
  record.relative = record.rate.per_second() / mean;
  note_specialist(worker);
}

bool Fitness::better_elsewhere(const Job& job, const Pool::Member& member) {
  const Level& level = *job.run.place.level;
  Worker& worker = *member.worker;
  Outlook& outlook = worker.speed.outlook;
  if (worker.speed.learnt || outlook.kinds != level.kinds ||
      context_.now - outlook.made > kOutlookKept) {
    outlook = outlook_of(worker, level);
    worker.speed.learnt = false;
    round_.budget -= static_cast<std::int64_t>(level.wanted.size());
  }
  return leaves(job, member, outlook);
}

Outlook Fitness::outlook_of(const Worker& worker, const Level& level) const {
  Outlook out;
  out.kinds = level.kinds;
  out.made = context_.now;
  double tries_s = 0;
  for (const auto& [pool, wanted] : level.wanted) {
    const Pool::Member* member = pool->of(worker);
    if (!member) continue;
    const double fitness = pool->fitness(*member);
    if (fitness > out.best)
      out.best_pool = pool, out.second = std::exchange(out.best, fitness);
    else
      out.second = std::max(out.second, fitness);
    if (member->known) {
      out.able = out.able || kFarBetter * fitness >= 1;
      out.good = out.good || is_good_at(*pool, *member);
      continue;
    }
    ++out.unknown;
    tries_s = std::max(tries_s, try_s(*pool, wanted.unit()));
    if (const double left_s = waiting_s(*pool, wanted); left_s > out.longest_s)
      out.longest = pool, out.longest_s = left_s;
  }
  out.worth_a_try = static_cast<double>(out.unknown) * tries_s < out.longest_s;
  return out;
}

bool Fitness::leaves(const Job& job, const Pool::Member& member, const Outlook& outlook) const {
  // A job without leases is not left to others, or it might never start.
  if (job.tasks.leases == 0) return false;
  const double best = outlook.best_beside(job.run.pool);
  if (!member.known) {
    // Nobody may keep a job waiting too long by hoping for a better worker.
    if (is_behind(job)) return false;
    return best > kFarBetter || (specialists_ && outlook.good) ||
           (outlook.able && job.run.pool->explorers >= kExplorers);
  }
  if (best > kFarBetter * job.run.pool->fitness(member)) return true;
  // A worker that is not good at what it does explores what it does not know. A worker that is good
  // at it explores only if far more work is left there than here, and only as one of a few.
  if (!specialists_ || !outlook.worth_a_try) return false;
  if (!is_good_at(*job.run.pool, member)) return true;
  const auto here = job.run.place.level->wanted.find(job.run.pool);
  return here != job.run.place.level->wanted.end() && outlook.longest &&
         outlook.longest->explorers < kExplorers &&
         outlook.longest_s > kFarBetter * waiting_s(*job.run.pool, here->second);
}

// Far better than the mean, or among the best where workers differ much.
bool Fitness::is_good_at(const Pool& pool, const Pool::Member& member) {
  return pool.fitness(member) >= kFarBetter || (pool.high_rate() >= kSpecialist * pool.low_rate() &&
                                                kFarBetter * member.rate >= pool.high_rate());
}

// Whether the job has received less than another one, relative to its weight, by more than one
// exploratory task on every slot takes, or one second on every slot. Then it is its turn, no matter
// who may be better at it.
bool Fitness::is_behind(const Job& job) {
  const auto& [level, party, key, wants, counted, queued] = job.run.place;
  if (party->wanting == 0 || level->turns.empty()) return true;
  const double lag = (party->last_key() - job.queue_key()) * job.weight() +
                     (level->turns.rbegin()->key - party->key_now()) * party->weight;
  return lag > static_cast<double>(job.run.pool->slots()) *
                   std::min(kLagMost, try_s(*job.run.pool, job.unit()));
}

// Where workers differ in what they are good at, the last tasks are not for exploration: a worker
// may be bad at what it does not know.
double Fitness::cautious_rate(const Pool& pool, const Pool::Member& member) const {
  return member.known || !specialists_ ? member.rate : std::min(member.rate, pool.low_rate());
}

void Fitness::note_specialist(const Worker& worker) {
  if (specialists_ || worker.speed.records.size() < 2) return;
  double least = 0, most = 0;
  for (const auto& [name, record] : worker.speed.records) {
    if (record.relative <= 0) continue;
    least = least > 0 ? std::min(least, record.relative) : record.relative;
    most = std::max(most, record.relative);
  }
  specialists_ = most > kSpecialist * least;
}

void Fitness::probe_first_leases(Time now) {
  while (!probes_.empty() && probes_.begin()->first <= now) {
    Lease* lease = leases_.find(probes_.begin()->second);
    probes_.erase(probes_.begin());
    if (!lease || !lease->held_by || lease->size.reported > 0) continue;
    Worker& worker = *lease->held_by;
    const Job& job = jobs_.at(lease->job);
    const Pool::Member* member = job.run.pool ? job.run.pool->of(worker) : nullptr;
    if (!member || member->people || member->record->rate.per_second() > 0) continue;
    const auto running =
        worker.holds.leases.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(
                                          worker.slots(), worker.holds.leases.size()));
    // A lease starts when it is granted or when the worker finished the previous one; queued leases
    // have not started.
    const bool runs =
        !lease->run.waits && std::find(worker.holds.leases.begin(), running, lease) != running;
    const wire::Duration ran =
        runs ? now - std::max(lease->granted, worker.speed.reported) : wire::Duration{};
    const double at_most = job.work_of(lease->open.list()) / std::max(1e-9, seconds(ran));
    if (at_most < job.run.pool->mean_rate()) {
      lease->trial.slow = true;
      double& known = member->record->at_most;
      known = known > 0 ? std::min(known, at_most) : at_most;
      pools_.tell(worker, job.run.pool->need().function);
      context_.dispatch_needed = true;
    }
    probes_.emplace(now + std::max<wire::Duration>(kProbeAfter, now - lease->granted), lease->id);
  }
}

std::optional<Time> Fitness::next_probe() const {
  return probes_.empty() ? std::nullopt : std::optional(probes_.begin()->first);
}

// A probe measures nothing, so its bound is forgotten: the delay may have been the network's.
void Fitness::forget_probe(Lease& lease) {
  if (!std::exchange(lease.trial.slow, false) || !lease.held_by) return;
  const Job& job = jobs_.at(lease.job);
  const Need need = pools_.need_of(job);
  if (const auto record = lease.held_by->speed.records.find(need.record_name());
      record != lease.held_by->speed.records.end())
    record->second.at_most = 0;
  pools_.tell(*lease.held_by, need.function);
}

}  // namespace quern::broker
