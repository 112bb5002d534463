// The tail of a job: nobody is idle while others hold more than they can do in time.
#include <algorithm>
#include <cmath>

#include "broker/core/core.hpp"
#include "broker/core/seconds.hpp"

namespace quern::broker {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRetryReclaim{50};
// Idle workers that find nothing to take over, perhaps because they can do little, before the
// others are taken for the same.
constexpr int kInVain = 16;
// Work that ends sooner than this is not worth moving.
constexpr double kReclaimFrom = 0.020;
// A lease is overdue when it takes so many times what it should, and more the more its tasks vary;
// and so much longer at least.
constexpr double kOverdue = 2;
constexpr double kOverdueVaried = 4;
constexpr double kOverdueFrom = 0.050;
// When nobody has finished anything of its kind yet: long enough for most tasks, short enough that
// a worker which never answers does not hold a job for ever.
constexpr std::chrono::seconds kOverdueUnknown{10};
// What copies may cost a job: this share of its slot time, and a little for the small ones.
constexpr double kWasteShare = 0.05;
constexpr double kWasteLeast = 1.0;
constexpr milliseconds kRetryCopy{100};
constexpr std::uint64_t kLoadForCopy = 1u << 20;
// To look at all leases and all workers with room takes time: with so many it is done again only
// after this much for each.
constexpr std::size_t kManyLeases = 256;
constexpr std::chrono::nanoseconds kTimePerLease{500};
// Of the budget of a settle().
constexpr std::int64_t kLookAtLease = 2;

}  // namespace

void Core::rebalance(Time now) {
  if (leases_.empty() || cut_short_)
    return;  // who is idle was not looked at yet: that goes on at once
  if (next_rebalance_ && now < *next_rebalance_) return retry_dispatch_at(*next_rebalance_);
  occupy_idle(now);
  prune_copies(now);
  if (const std::size_t looks = leases_.size() + roomy_.size(); looks > kManyLeases)
    next_rebalance_ = now + kTimePerLease * looks;
}

void Core::occupy_idle(Time now) {
  budget_ -= static_cast<std::int64_t>(roomy_.size());
  std::erase_if(roomy_, [this](Worker* worker) { return !(worker->listed = has_room(*worker)); });
  std::vector<Worker*> idle;
  std::copy_if(roomy_.begin(), roomy_.end(), std::back_inserter(idle),
               [](const Worker* worker) { return worker->leases.size() < worker->slots(); });
  if (idle.empty()) return;
  Tail tail = tail_for(idle, now);
  if (tail.movable) retry_dispatch_at(now + kRetryReclaim);
  if (tail.next_overdue) retry_dispatch_at(*tail.next_overdue);
  int in_vain = 0;
  for (Worker* worker : idle) {
    if (!ask_back(*worker, tail, now) && !copy_overdue(*worker, tail, now) && ++in_vain == kInVain)
      break;
    if (budget_ >= 0) continue;
    retry_dispatch_at(now + kRetryReclaim);  // the router has others to listen to
    break;
  }
}

// All leases are looked at once, for all that are idle.
Core::Tail Core::tail_for(const std::vector<Worker*>& idle, Time now) {
  Tail tail;
  std::map<const Pool*, bool> wanted;  // whether one of the idle can do that
  const auto is_wanted = [&](const Pool* pool) {
    const auto [known, fresh] = wanted.try_emplace(pool, false);
    if (fresh)
      known->second = pool && std::any_of(idle.begin(), idle.end(), [&](const Worker* worker) {
                        return pool->of(*worker) != nullptr;
                      });
    return known->second;
  };
  budget_ -= kLookAtLease * static_cast<std::int64_t>(leases_.size());
  for (auto& [id, busy] : workers_) {
    std::size_t n = 0;
    double before_s = 0;  // until a queued lease starts
    for (Lease* lease : busy.leases) {
      const bool running = n++ < busy.slots();
      const Job& job = jobs_.at(lease->job);
      const Pool::Member* member = job.pool ? job.pool->of(busy) : nullptr;
      Movable rest = rest_of(*lease, member, job, running, now);
      if (running)
        before_s += rest.ends_s / busy.slots();
      else
        rest.ends_s += rest.wait_s = before_s;
      if (!takes_resources(*lease) || has_twin(*lease) || !is_wanted(job.pool)) continue;
      if (running) note_overdue(*lease, busy, job, tail, now);
      if (running && lease->open.size() < 2) continue;
      tail.movable = true;
      if (!lease->reclaiming && now >= lease->reclaim_after && rest.ends_s > kReclaimFrom)
        tail.longest.push_back(rest);
    }
  }
  std::make_heap(tail.longest.begin(), tail.longest.end());
  std::sort(tail.overdue.begin(), tail.overdue.end());
  return tail;
}

Core::Movable Core::rest_of(Lease& lease, const Pool::Member* member, const Job& job, bool running,
                            Time now) {
  const double rate = std::max(1e-9, (member ? member->rate : 0) / job.unit());
  double left = static_cast<double>(lease.open.size());
  double left_s = left / rate;
  if (running) {
    const double elapsed_s = seconds(now - lease.granted);
    const double late_s = elapsed_s - static_cast<double>(lease.granted_tasks) / rate;
    // Overdue: the rate was wrong for these tasks. Half of what was not reported may still be to
    // do, and take as long again as it is late.
    left = late_s < 0 ? std::min(left, -late_s * rate) : left / 2;
    left_s = std::max(left / rate, late_s);
  }
  return {&lease, left_s, 0, left, rate};
}

bool Core::ask_back(const Worker& idle, Tail& tail, Time now) {
  std::vector<Movable> others;  // not for this one
  bool asked = false;
  while (!asked && !tail.longest.empty() && budget_-- >= 0) {
    std::pop_heap(tail.longest.begin(), tail.longest.end());
    const Movable rest = tail.longest.back();
    tail.longest.pop_back();
    Lease& lease = *rest.lease;
    const Job& job = jobs_.at(lease.job);
    const Pool::Member* here = job.pool->of(idle);
    if (has_twin(lease)) continue;  // copied meanwhile
    if (!here || lease.worker == idle.session) {
      others.push_back(rest);
      continue;
    }
    const double idle_rate =
        here->rate > 0 ? cautious_rate(*job.pool, *here) / job.unit() : rest.rate;
    // Both should end at the same time: what the idle one takes of the rest is its share of the two
    // speeds.
    const double share = rest.wait_s > 0 ? 1.0 : idle_rate / (idle_rate + rest.rate);
    const std::uint64_t tasks =
        std::max<std::uint64_t>(1, static_cast<std::uint64_t>(rest.left * share));
    if (static_cast<double>(tasks) / idle_rate > rest.ends_s) {  // it would end later there
      others.push_back(rest);
      continue;
    }
    lease.reclaiming = true;
    lease.reclaim_after = now + duration(std::max(0.05, rest.ends_s / 4));
    send(lease.worker, wire::Reclaim{lease.id, tasks}, job.lease_ticket);
    asked = true;
  }
  for (const Movable& rest : others) {
    tail.longest.push_back(rest);
    std::push_heap(tail.longest.begin(), tail.longest.end());
  }
  return asked;
}

bool Core::may_run_beside(const Job& job, const Worker& worker) {
  if (job.options->at_most_once) return false;
  return job.options->idempotent ||
         worker.any_declaration(job.function, [&](const FunctionDecl& decl) {
           return decl.takes == job.decision->takes && decl.encoding == job.decision->encoding &&
                  decl.idempotent;
         });
}

std::optional<Time> Core::overdue_at(const Lease& lease, const Worker& holder, const Job& job) {
  if (!takes_resources(lease) || has_twin(lease) || lease.reclaiming || !lease.cancelled.empty() ||
      lease.open.empty())
    return std::nullopt;
  const Pool::Member* member = job.pool->of(holder);
  if (!member) return std::nullopt;
  if (member->rate <= 0)
    return lease.granted + kOverdueUnknown;  // nobody knows how long it should take
  const double should_s = job.work_of(lease.open.list()) / member->rate;
  const double late = kOverdue + kOverdueVaried * member->record->rate.variation() /
                                     std::sqrt(static_cast<double>(lease.open.size()));
  return std::max(lease.granted, holder.reported) +
         duration(std::max(late * should_s, should_s + kOverdueFrom));
}

double Core::copies_budget_s(const Job& job, Time now) const {
  double spent = job.mishaps->wasted_s;
  for (wire::LeaseId id : copies_)
    if (const Lease& copy = leases_.at(id); copy.job == job.number)
      spent += seconds(now - copy.granted);
  return kWasteLeast + kWasteShare * job.busy_s - spent;
}

bool Core::all_resident(Job& job, const wire::IntervalSet& tasks) {
  if (!job.has_payloads() || job.payloads.all_resident()) return true;
  for (const auto& some : tasks.list()) {
    for (std::uint64_t task = some.begin; task < some.end; ++task) {
      if (job.payloads.resident(task)) continue;
      while (auto stretch = job.payloads.wanted(task, kLoadForCopy))
        effects_.push_back(Load{job.number, *stretch});
      return false;  // on_loaded() goes on
    }
  }
  return true;
}

void Core::note_overdue(Lease& lease, const Worker& holder, const Job& job, Tail& tail,
                        Time now) const {
  // What a worker still holds after a restart of the broker is not run anywhere else meanwhile.
  if (!job.pending.empty() ||
      !(may_run_beside(job, holder) || config_.mistake == Mistake::copy_anything) ||
      may_be_elsewhere(lease, now))
    return;
  const std::optional<Time> due = overdue_at(lease, holder, job);
  if (due && *due > now && (!tail.next_overdue || *due < *tail.next_overdue))
    tail.next_overdue = due;
  if (!due || *due > now) return;
  const double late_s = seconds(now - lease.granted) - lease.expected_s;
  if (late_s > 0) tail.overdue.push_back({&lease, late_s});
}

bool Core::copy_overdue(Worker& idle, Tail& tail, Time now) {
  const auto worst =
      std::find_if(tail.overdue.begin(), tail.overdue.end(), [&](const Overdue& late) {
        const Lease& lease = *late.lease;
        Job& job = jobs_.at(lease.job);
        const Pool::Member* here = job.pool->of(idle);
        budget_ -= 1 + static_cast<std::int64_t>(copies_.size());
        if (lease.reclaiming || lease.worker == idle.session || !here ||
            !job.pool->need().free_on(idle) ||
            !(may_run_beside(job, idle) || config_.mistake == Mistake::copy_anything))
          return false;
        // Where no rate is known a copy costs what nobody else wants: it goes when somebody does
        // (prune_copies).
        const bool affordable = here->rate <= 0 || job.work_of(lease.open.list()) / here->rate <=
                                                       copies_budget_s(job, now);
        return affordable && all_resident(job, lease.open);
      });
  if (worst == tail.overdue.end()) return false;
  Lease& original = *worst->lease;
  tail.overdue.erase(worst);
  Job& job = jobs_.at(original.job);
  job.leased -= original.open.size();  // send_tasks() counts them again
  send_tasks(job, *job.pool->of(idle), original.open.list(), original.attempt, now);
  Lease& copy = leases_.at({config_.incarnation, last_lease_});
  copy.copy = true;
  copy.twin = original.id;
  original.twin = copy.id;
  copies_.insert(copy.id);
  ++job.mishaps.edit().copies;
  return true;
}

void Core::prune_copies(Time now) {
  if (copies_.empty()) return;
  const bool wanted =
      roomy_.empty() && std::any_of(turns_.levels().begin(), turns_.levels().end(),
                                    [](const auto& level) { return !level.second.turns.empty(); });
  std::vector<wire::LeaseId> over;
  for (auto it = copies_.rbegin(); it != copies_.rend(); ++it) {
    const Lease& copy = leases_.at(*it);
    // Who does not say a word may be gone: then the copy is all there is.
    const Session* holder = sessions_.find(leases_.at(copy.twin).worker);
    const bool silent = !holder || now - holder->heard > config_.beat_busy;
    const Job& job = jobs_.at(copy.job);
    const bool dear = job.pool && job.pool->mean_rate() > 0 && copies_budget_s(job, now) < 0;
    if (!silent && ((wanted && over.empty()) || dear)) over.push_back(*it);
  }
  for (wire::LeaseId id : over) {
    if (Lease* copy = find_lease(id)) drop_twin(leases_.at(copy->twin), now);
  }
  if (!copies_.empty()) retry_dispatch_at(now + kRetryCopy);
}

void Core::drop_twin(Lease& winner, Time now) {
  Lease& loser = leases_.at(winner.twin);
  Job& job = jobs_.at(loser.job);
  const wire::LeaseId id = loser.id;
  const wire::SessionId worker = loser.worker;
  leave_to_twin(loser, now);
  close_lease(loser, "given back");
  send(worker, wire::Revoke{{id}}, job.lease_ticket);
}

void Core::leave_to_twin(Lease& lease, Time now) {
  jobs_.at(lease.job).mishaps.edit().wasted_s += seconds(now - lease.granted);
  unlink_twin(lease);
}

void Core::unlink_twin(Lease& lease) {
  Lease& other = leases_.at(lease.twin);
  copies_.erase(lease.id);
  copies_.erase(other.id);
  lease.open.clear();
  lease.twin = other.twin = {};
  lease.copy = other.copy = false;
}

}  // namespace quern::broker
