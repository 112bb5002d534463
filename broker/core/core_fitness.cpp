// Who is better at what. When several kinds of work wait, a worker does what it is good at beside
// the others (its fitness); what that is has to be found out, and to find it out costs what a
// worker is bad at. So a first lease that takes longer than others took tells at once that its
// worker is slower; and a worker tries what it does not know early, but only where workers have
// shown that they differ in what they are good at, and while enough is left to do.
#include <algorithm>

#include "broker/core/core.hpp"
#include "broker/core/seconds.hpp"

namespace quern::broker {
namespace {

// A worker that is so many times better at something else that waits, beside the others, does that.
constexpr double kFarBetter = 2;
// So many workers that know something else try a function at a time: what they find tells the
// others whether to follow.
constexpr std::size_t kScouts = 2;
// A worker that is so many times better at one function than at another, beside the others, is a
// specialist: others may be too.
constexpr double kSpecialist = 4;
// Nobody waits for others to try longer than this (s), for his weight.
constexpr double kLagMost = 1;
// So long what a worker could do of all that waits is not looked at anew, unless it has learnt
// something itself.
constexpr std::chrono::milliseconds kOutlookKept{10};
// A first lease is looked at after this, then each time after as long again.
constexpr std::chrono::milliseconds kDoubtAfter{20};

/// What waits of a kind takes so long when all do that.
double waiting_s(const Pool& pool, const Wanted& wanted) { return wanted.work / pool.total_rate(); }

/// A task of it takes a worker that is bad at it so long.
double try_s(const Pool& pool, double unit) {
  return pool.low_rate() > 0 ? unit / pool.low_rate() : kUnknownLease;
}

}  // namespace

bool Core::better_elsewhere(const Job& job, const Pool::Member& member) {
  const Level& level = *job.place.level;
  Worker& worker = *member.worker;
  Outlook& outlook = worker.outlook;
  if (worker.learnt || outlook.kinds != level.kinds || clock_ - outlook.made > kOutlookKept) {
    outlook = outlook_of(worker, level);
    worker.learnt = false;
    budget_ -= static_cast<std::int64_t>(level.wanted.size());
  }
  return leaves(job, member, outlook);
}

Outlook Core::outlook_of(const Worker& worker, const Level& level) const {
  Outlook out;
  out.kinds = level.kinds;
  out.made = clock_;
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

bool Core::leaves(const Job& job, const Pool::Member& member, const Outlook& outlook) const {
  if (job.leases_out == 0) return false;  // a job with nothing out is left to nobody
  const double best = outlook.best_beside(job.pool);
  if (!member.known) {
    if (is_behind(job)) return false;
    return best > kFarBetter || (specialists_ && outlook.good) ||
           (outlook.able && job.pool->scouts >= kScouts);
  }
  if (best > kFarBetter * job.pool->fitness(member)) return true;
  // Who is not good at what it does tries what it does not know. Who is, does so only where far
  // more is left than here, and as one of a few.
  if (!specialists_ || !outlook.worth_a_try) return false;
  if (!is_good_at(*job.pool, member)) return true;
  const auto here = job.place.level->wanted.find(job.pool);
  return here != job.place.level->wanted.end() && outlook.longest->scouts < kScouts &&
         outlook.longest_s > kFarBetter * waiting_s(*job.pool, here->second);
}

// Far better than the mean, or among the best where they differ much.
bool Core::is_good_at(const Pool& pool, const Pool::Member& member) {
  return pool.fitness(member) >= kFarBetter || (pool.high_rate() >= kSpecialist * pool.low_rate() &&
                                                kFarBetter * member.rate >= pool.high_rate());
}

// It has had less than another, for its weight, by more than a try on every slot takes, or a second
// of them all: now it is its turn, whoever may be better at it.
bool Core::is_behind(const Job& job) {
  const auto& [level, party, key, wants, counted, queued] = job.place;
  if (party->wanting == 0 || level->turns.empty()) return true;
  const double lag = (party->last_key() - job.turn_key()) * job.weight() +
                     (level->turns.rbegin()->key - party->key_now()) * party->weight;
  return lag >
         static_cast<double>(job.pool->slots()) * std::min(kLagMost, try_s(*job.pool, job.unit()));
}

// Where workers differ in what they are good at, the last tasks are not for trying: a worker may be
// bad at what it does not know.
double Core::cautious_rate(const Pool& pool, const Pool::Member& member) const {
  return member.known || !specialists_ ? member.rate : std::min(member.rate, pool.low_rate());
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
    if (!member || member->record->rate.per_second() > 0) continue;
    const auto running = worker.leases.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(
                                                     worker.slots(), worker.leases.size()));
    const bool runs = std::find(worker.leases.begin(), running, lease) != running;
    const wire::Duration ran =
        runs ? now - std::max(lease->granted, worker.reported) : wire::Duration{};
    const double at_most = job.work_of(lease->open.list()) / std::max(1e-9, seconds(ran));
    if (at_most < job.pool->mean_rate()) {
      lease->doubted = true;
      double& known = member->record->at_most;
      known = known > 0 ? std::min(known, at_most) : at_most;
      tell_pools(worker, job.pool->need().function);
      dispatch_needed_ = true;
    }
    doubts_.emplace(now + std::max<wire::Duration>(kDoubtAfter, now - lease->granted), lease->id);
  }
}

// Nothing was measured, so nothing is known: it may have been the network.
void Core::forget_doubt(Lease& lease) {
  if (!std::exchange(lease.doubted, false) || !lease.held_by) return;
  const Job& job = jobs_.at(lease.job);
  const Need need = need_of(job);
  if (const auto record = lease.held_by->records.find(need.record_name());
      record != lease.held_by->records.end())
    record->second.at_most = 0;
  tell_pools(*lease.held_by, need.function);
}

}  // namespace quern::broker
