#include "broker/core/scheduling/fitness.hpp"

#include <algorithm>

#include "broker/core/base/seconds.hpp"
#include "broker/core/scheduling/sizing.hpp"

namespace quern::broker {
namespace {

// A worker that is so many times better at something else that waits, beside the others, does that.
constexpr double kFarBetter = 2;

// So many workers that know something else try a function at a time: what they find tells the
// others whether to follow.
constexpr std::size_t kExplorers = 2;

// A worker that is so many times better at one function than at another, beside the others, is a
// specialist: others may be too.
constexpr double kSpecialist = 4;

// Nobody waits for others to try longer than this (s), for his weight.
constexpr double kLagMost = 1;

// So long what a worker could do of all that waits is not looked at anew, unless it has learnt
// something itself.
constexpr std::chrono::milliseconds kOutlookKept{10};

// A first lease is looked at after this, then each time after as long again.
constexpr std::chrono::milliseconds kProbeAfter{20};

/// What waits of a kind takes so long when all do that.
double waiting_s(const Pool& pool, const Wanted& wanted) { return wanted.work / pool.total_rate(); }

/// A task of it takes a worker that is bad at it so long.
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
  if (job.tasks.leases == 0) return false;  // a job with nothing out is left to nobody
  const double best = outlook.best_beside(job.run.pool);
  if (!member.known) {
    if (is_behind(job)) return false;
    return best > kFarBetter || (specialists_ && outlook.good) ||
           (outlook.able && job.run.pool->explorers >= kExplorers);
  }
  if (best > kFarBetter * job.run.pool->fitness(member)) return true;
  // Who is not good at what it does tries what it does not know. Who is, does so only where far
  // more is left than here, and as one of a few.
  if (!specialists_ || !outlook.worth_a_try) return false;
  if (!is_good_at(*job.run.pool, member)) return true;
  const auto here = job.run.place.level->wanted.find(job.run.pool);
  return here != job.run.place.level->wanted.end() && outlook.longest->explorers < kExplorers &&
         outlook.longest_s > kFarBetter * waiting_s(*job.run.pool, here->second);
}

// Far better than the mean, or among the best where they differ much.
bool Fitness::is_good_at(const Pool& pool, const Pool::Member& member) {
  return pool.fitness(member) >= kFarBetter || (pool.high_rate() >= kSpecialist * pool.low_rate() &&
                                                kFarBetter * member.rate >= pool.high_rate());
}

// It has had less than another, for its weight, by more than a try on every slot takes, or a second
// of them all: now it is its turn, whoever may be better at it.
bool Fitness::is_behind(const Job& job) {
  const auto& [level, party, key, wants, counted, queued] = job.run.place;
  if (party->wanting == 0 || level->turns.empty()) return true;
  const double lag = (party->last_key() - job.queue_key()) * job.weight() +
                     (level->turns.rbegin()->key - party->key_now()) * party->weight;
  return lag > static_cast<double>(job.run.pool->slots()) *
                   std::min(kLagMost, try_s(*job.run.pool, job.unit()));
}

// Where workers differ in what they are good at, the last tasks are not for trying: a worker may be
// bad at what it does not know.
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
    if (!member || member->record->rate.per_second() > 0) continue;
    const auto running =
        worker.holds.leases.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(
                                          worker.slots(), worker.holds.leases.size()));
    const bool runs = std::find(worker.holds.leases.begin(), running, lease) != running;
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

// Nothing was measured, so nothing is known: it may have been the network.
std::optional<Time> Fitness::next_probe() const {
  return probes_.empty() ? std::nullopt : std::optional(probes_.begin()->first);
}

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
