#include "broker/core/scheduling/tail.hpp"

#include <algorithm>
#include <cmath>

#include "broker/core/base/seconds.hpp"

namespace quern::broker {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRetryReclaim{50};

// After this many idle workers that found nothing to take over, the remaining ones are assumed to
// find nothing either.
constexpr int kInVain = 16;

// Work that ends sooner than this is not worth moving.
constexpr double kReclaimFrom = 0.020;

// A lease is overdue when it takes this many times its expected time, plus more if its tasks vary,
// and at least this much longer.
constexpr double kOverdue = 2;

constexpr double kOverdueVaried = 4;

constexpr double kOverdueFrom = 0.050;

// The limit when no lease of this function has finished yet: long enough for most tasks, but short
// enough that a worker which never answers does not hold up a job for ever.
constexpr std::chrono::seconds kOverdueUnknown{10};

constexpr milliseconds kRetryCopy{100};

// Examining all leases and all workers with room takes time. With many of them, it is repeated only
// after this time for each.
constexpr std::size_t kManyLeases = 256;

constexpr std::chrono::nanoseconds kTimePerLease{500};

// In units of the budget of a settle().
constexpr std::int64_t kLookAtLease = 2;

bool is_people(const Pool::Member* member) { return member && member->people; }

}  // namespace

void Tail::rebalance(Time now) {
  // If the round was cut short, some workers may still get pending work; dispatch() continues at
  // once.
  if (leases_.all().empty() || round_.cut_short) return;
  if (next_rebalance_ && now < *next_rebalance_)
    return context_.retry_dispatch_at(*next_rebalance_);
  occupy_idle(now);
  prune_copies(now);
  if (const std::size_t looks = leases_.all().size() + pools_.may_have_room().size();
      looks > kManyLeases)
    next_rebalance_ = now + kTimePerLease * looks;
}

void Tail::occupy_idle(Time now) {
  round_.budget -= static_cast<std::int64_t>(pools_.may_have_room().size());
  pools_.drop_full();
  std::vector<Worker*> idle;
  std::copy_if(pools_.may_have_room().begin(), pools_.may_have_room().end(),
               std::back_inserter(idle),
               [](const Worker* worker) { return worker->holds.leases.size() < worker->slots(); });
  if (idle.empty()) return;
  Survey survey = look_at_all(idle, now);
  if (survey.movable) context_.retry_dispatch_at(now + kRetryReclaim);
  if (survey.next_overdue) context_.retry_dispatch_at(*survey.next_overdue);
  int in_vain = 0;
  for (Worker* worker : idle) {
    if (!ask_back(*worker, survey, now) && !copy_overdue(*worker, survey, now) &&
        ++in_vain == kInVain)
      break;
    if (round_.budget >= 0) continue;
    context_.retry_dispatch_at(now + kRetryReclaim);  // the router must read other messages
    break;
  }
}

// All leases are examined once, for all idle workers together.
Tail::Survey Tail::look_at_all(const std::vector<Worker*>& idle, Time now) {
  Survey survey;
  std::map<const Pool*, bool> wanted;  // whether one of the idle workers can run it
  const auto is_wanted = [&](const Pool* pool) {
    const auto [known, fresh] = wanted.try_emplace(pool, false);
    if (fresh)
      known->second = pool && std::any_of(idle.begin(), idle.end(), [&](const Worker* worker) {
                        return pool->of(*worker) != nullptr;
                      });
    return known->second;
  };
  round_.budget -= kLookAtLease * static_cast<std::int64_t>(leases_.all().size());
  for (auto& [id, busy] : workers_.all()) {
    std::size_t n = 0;
    double before_s = 0;  // until a queued lease starts
    for (Lease* lease : busy.holds.leases) {
      const bool running = n++ < busy.slots();
      if (lease->run.waits) continue;
      const Job& job = jobs_.at(lease->job);
      const Pool::Member* member = job.run.pool ? job.run.pool->of(busy) : nullptr;
      Movable rest = rest_of(*lease, member, job, running, now);
      if (running)
        before_s += rest.ends_s / busy.slots();
      else
        rest.ends_s += rest.wait_s = before_s;
      // What a paused job gave back would not be granted to anyone.
      if (!takes_resources(*lease) || has_rival(*lease) || job.phase.paused || is_people(member) ||
          !is_wanted(job.run.pool))
        continue;
      if (running) note_overdue(*lease, busy, job, survey, now);
      if (running && lease->open.size() < 2) continue;
      survey.movable = true;
      if (!lease->reclaim.asked && now >= lease->reclaim.not_before && rest.ends_s > kReclaimFrom)
        survey.longest.push_back(rest);
    }
  }
  std::make_heap(survey.longest.begin(), survey.longest.end());
  std::sort(survey.overdue.begin(), survey.overdue.end());
  return survey;
}

Tail::Movable Tail::rest_of(Lease& lease, const Pool::Member* member, const Job& job, bool running,
                            Time now) {
  const double rate = std::max(1e-9, (member ? member->rate : 0) / job.unit());
  double left = static_cast<double>(lease.open.size());
  double left_s = left / rate;
  if (running) {
    const double elapsed_s = seconds(now - lease.granted);
    const double late_s = elapsed_s - static_cast<double>(lease.size.tasks) / rate;
    // Overdue: the rate was wrong for these tasks. Half of what was not reported is assumed to
    // remain, and to take as long again as it is late.
    left = late_s < 0 ? std::min(left, -late_s * rate) : left / 2;
    left_s = std::max(left / rate, late_s);
  }
  return {&lease, left_s, 0, left, rate};
}

bool Tail::ask_back(const Worker& idle, Survey& survey, Time now) {
  std::vector<Movable> others;  // not for this worker
  bool asked = false;
  while (!asked && !survey.longest.empty() && round_.budget-- >= 0) {
    std::pop_heap(survey.longest.begin(), survey.longest.end());
    const Movable rest = survey.longest.back();
    survey.longest.pop_back();
    Lease& lease = *rest.lease;
    const Job& job = jobs_.at(lease.job);
    const Pool::Member* here = job.run.pool->of(idle);
    if (is_people(here)) {  // the tasks are faster where they are
      others.push_back(rest);
      continue;
    }
    if (has_rival(lease)) continue;  // a speculative attempt was started meanwhile
    if (!here || lease.worker == idle.session) {
      others.push_back(rest);
      continue;
    }
    const double idle_rate =
        here->rate > 0 ? fitness_.cautious_rate(*job.run.pool, *here) / job.unit() : rest.rate;
    // Both workers should end at the same time, so the idle one takes the share of the rest that
    // corresponds to its share of the two rates.
    const double share = rest.wait_s > 0 ? 1.0 : idle_rate / (idle_rate + rest.rate);
    const std::uint64_t tasks =
        std::max<std::uint64_t>(1, static_cast<std::uint64_t>(rest.left * share));
    // The tasks stay if they would end later on the idle worker.
    if (static_cast<double>(tasks) / idle_rate > rest.ends_s) {
      others.push_back(rest);
      continue;
    }
    lease.reclaim.asked = true;
    lease.reclaim.not_before = now + duration(std::max(0.05, rest.ends_s / 4));
    outbox_.send(lease.worker, wire::Reclaim{lease.id, tasks}, job.commits.leases);
    asked = true;
  }
  for (const Movable& rest : others) {
    survey.longest.push_back(rest);
    std::push_heap(survey.longest.begin(), survey.longest.end());
  }
  return asked;
}

std::optional<Time> Tail::overdue_at(const Lease& lease, const Worker& holder, const Job& job) {
  if (!takes_resources(lease) || has_rival(lease) || lease.reclaim.asked ||
      !lease.cancelled.empty() || lease.open.empty())
    return std::nullopt;
  const Pool::Member* member = job.run.pool->of(holder);
  if (!member) return std::nullopt;
  if (member->rate <= 0)
    return lease.granted + kOverdueUnknown;  // nobody knows how long it should take
  const double should_s = job.work_of(lease.open.list()) / member->rate;
  const double late = kOverdue + kOverdueVaried * member->record->rate.variation() /
                                     std::sqrt(static_cast<double>(lease.open.size()));
  return std::max(lease.granted, holder.speed.reported) +
         duration(std::max(late * should_s, should_s + kOverdueFrom));
}

void Tail::note_overdue(Lease& lease, const Worker& holder, const Job& job, Survey& survey,
                        Time now) const {
  // What a worker has held since before a restart of the broker is not run elsewhere in the
  // meantime.
  if (!job.tasks.pending.empty() ||
      !(attempts_.may_run_beside(job, holder) ||
        context_.config.mistake == Mistake::copy_anything) ||
      returns_.may_be_elsewhere(lease, now))
    return;
  const std::optional<Time> due = overdue_at(lease, holder, job);
  if (due && *due > now && (!survey.next_overdue || *due < *survey.next_overdue))
    survey.next_overdue = due;
  if (!due || *due > now) return;
  const double late_s = seconds(now - lease.granted) - lease.expected_s;
  if (late_s > 0) survey.overdue.push_back({&lease, late_s});
}

bool Tail::copy_overdue(Worker& idle, Survey& survey, Time now) {
  const auto worst =
      std::find_if(survey.overdue.begin(), survey.overdue.end(), [&](const Overdue& late) {
        const Lease& lease = *late.lease;
        Job& job = jobs_.at(lease.job);
        const Pool::Member* here = job.run.pool->of(idle);
        round_.budget -= 1 + static_cast<std::int64_t>(attempts_.all().size());
        if (lease.reclaim.asked || lease.worker == idle.session || !here ||
            !job.run.pool->need().free_on(idle) ||
            (here->lease_most > 0 && lease.open.size() > here->lease_most) ||
            !(attempts_.may_run_beside(job, idle) ||
              context_.config.mistake == Mistake::copy_anything))
          return false;
        // Without a known rate, the cost of a speculative attempt is unknown. It uses a slot that
        // nobody else wants, and ends when somebody does (prune_copies).
        const bool affordable = here->rate <= 0 || job.work_of(lease.open.list()) / here->rate <=
                                                       attempts_.budget_s(job, now);
        return affordable && journal_.all_resident(job, lease.open);
      });
  if (worst == survey.overdue.end()) return false;
  Lease& original = *worst->lease;
  survey.overdue.erase(worst);
  Job& job = jobs_.at(original.job);
  job.tasks.leased -= original.open.size();  // send_tasks() counts them again
  Lease& copy = grants_.send_tasks(job, *job.run.pool->of(idle), original.open.list(),
                                   original.run.attempt, now);
  attempts_.link(original, copy);
  return true;
}

void Tail::prune_copies(Time now) {
  if (attempts_.all().empty()) return;
  const bool wanted = pools_.may_have_room().empty() &&
                      std::any_of(queue_.levels().begin(), queue_.levels().end(),
                                  [](const auto& level) { return !level.second.turns.empty(); });
  std::vector<wire::LeaseId> over;
  for (auto it = attempts_.all().rbegin(); it != attempts_.all().rend(); ++it) {
    const Lease& copy = leases_.at(*it);
    // A silent worker may be lost; then the speculative attempt is the only one that is left.
    const Session* holder = sessions_.find(leases_.at(copy.rival.id).worker);
    const bool silent = !holder || now - holder->heard > context_.config.heartbeat_busy;
    const Job& job = jobs_.at(copy.job);
    const bool dear =
        job.run.pool && job.run.pool->mean_rate() > 0 && attempts_.budget_s(job, now) < 0;
    if (!silent && ((wanted && over.empty()) || dear)) over.push_back(*it);
  }
  for (wire::LeaseId id : over) {
    if (Lease* copy = leases_.find(id)) returns_.drop_other(leases_.at(copy->rival.id), now);
  }
  if (!attempts_.all().empty()) context_.retry_dispatch_at(now + kRetryCopy);
}

}  // namespace quern::broker
