// The tail of a job: nobody is idle while others hold more than they can do in time.
#include <algorithm>
#include <cmath>

#include "broker/core/core.hpp"

namespace quern::broker {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRetryReclaim{50};
// Idle workers that find nothing to take over, perhaps because they can do little, before the others are taken for the same.
constexpr int kInVain = 16;
// Work that ends sooner than this is not worth moving.
constexpr double kReclaimFrom = 0.020;
// A lease is overdue when it takes so many times what it should, and more the more its tasks vary; and so much longer at least.
constexpr double kOverdue = 2;
constexpr double kOverdueVaried = 4;
constexpr double kOverdueFrom = 0.050;
// What copies may cost a job: this share of its slot time, and a little for the small ones.
constexpr double kWasteShare = 0.05;
constexpr double kWasteLeast = 1.0;
constexpr milliseconds kRetryCopy{100};
constexpr std::uint64_t kLoadForCopy = 1u << 20;
// To look at all leases takes time: with so many it is done again only after this much for each.
constexpr std::size_t kManyLeases = 256;
constexpr std::chrono::nanoseconds kLookPerLease{500};

wire::Duration duration(double s) { return std::chrono::duration_cast<wire::Duration>(std::chrono::duration<double>(s)); }
double seconds(wire::Duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

void Core::rebalance(Time now, Effects& effects) {
  if (leases_.empty()) return;
  if (next_rebalance_ && now < *next_rebalance_) return retry_dispatch_at(*next_rebalance_);
  const std::vector<Worker*> roomy = roomy_;
  int in_vain = 0;
  for (Worker* worker : roomy) {
    if (worker->leases.size() >= worker->slots() || !has_room(*worker)) continue;
    budget_ -= 2 * static_cast<std::int64_t>(leases_.size());
    if (ask_back(*worker, now, effects) || copy_overdue(*worker, now, effects)) {
      if (budget_ >= 0) continue;
      retry_dispatch_at(now + kRetryReclaim);  // the gateway has others to listen to
      break;
    }
    if (budget_ < 0 || ++in_vain == kInVain) break;
  }
  prune_copies(now, effects);
  if (leases_.size() > kManyLeases) next_rebalance_ = now + kLookPerLease * leases_.size();
}

bool Core::ask_back(const Worker& idle, Time now, Effects& effects) {
  Lease* worst = nullptr;
  double worst_s = kReclaimFrom;
  std::uint64_t want = 0;
  bool candidates = false;
  for (auto& [id, busy] : workers_) {
    if (busy.session == idle.session) continue;
    std::size_t n = 0;
    double before_s = 0;  // until a queued lease starts
    for (Lease* held : busy.leases) {
      Lease& lease = *held;
      const bool running = n++ < busy.slots();
      const Job& job = jobs_.at(lease.job);
      const bool task_lease = lease.kind != wire::LeaseKind::merge && lease.kind != wire::LeaseKind::finish;
      const std::uint64_t open = lease.open.size();
      const Pool::Member* member = job.pool ? job.pool->of(busy) : nullptr;
      const double rate = std::max(1e-9, (member ? member->rate : 0) / job.unit());
      double left = static_cast<double>(open);
      double left_s = left / rate;
      if (running) {
        const double elapsed_s = seconds(now - lease.granted);
        const double late_s = elapsed_s - static_cast<double>(lease.granted_tasks) / rate;
        // Overdue: the rate was wrong for these tasks. Half of what was not reported may still be to do, and take as long
        // again as it is late.
        left = late_s < 0 ? std::min(left, -late_s * rate) : left / 2;
        left_s = std::max(left / rate, late_s);
        before_s += left_s / busy.slots();
      }
      const double wait_s = running ? 0 : before_s;
      if (!task_lease || !job.pool || !job.pool->of(idle) || (running && open < 2) || has_twin(lease)) continue;
      candidates = true;
      const double ends_s = wait_s + left_s;
      if (lease.reclaiming || now < lease.reclaim_after || ends_s <= worst_s) continue;
      worst = &lease;
      worst_s = ends_s;
      const double idle_rate = job.pool->of(idle)->rate > 0 ? job.pool->of(idle)->rate / job.unit() : rate;
      // Both should end at the same time: what the idle one takes of the rest is its share of the two speeds.
      const double share = wait_s > 0 ? 1.0 : idle_rate / (idle_rate + rate);
      want = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(left * share));
    }
  }
  if (worst) {
    worst->reclaiming = true;
    worst->reclaim_after = now + std::chrono::duration_cast<wire::Duration>(std::chrono::duration<double>(std::max(0.05, worst_s / 4)));
    send(worst->worker, wire::Reclaim{worst->id, want}, effects, jobs_.at(worst->job).lease_ticket);
  }
  if (candidates) {
    retry_dispatch_at(now + kRetryReclaim);
  }
  return worst != nullptr;
}

std::optional<Time> Core::overdue_at(const Lease& lease, const Worker& holder, const Job& job) {
  if (!takes_resources(lease) || has_twin(lease) || lease.reclaiming || !lease.cancelled.empty() || lease.open.empty()) return std::nullopt;
  const Pool::Member* member = job.pool->of(holder);
  if (!member || member->rate <= 0) return std::nullopt;  // nobody knows how long it should take
  const double should_s = job.work_of(lease.open.list()) / member->rate;
  const double late = kOverdue + kOverdueVaried * member->record->rate.variation() / std::sqrt(static_cast<double>(lease.open.size()));
  return std::max(lease.granted, holder.reported) + duration(std::max(late * should_s, should_s + kOverdueFrom));
}

double Core::copies_budget_s(const Job& job, Time now) const {
  double spent = job.wasted_s;
  for (wire::LeaseId id : copies_)
    if (const Lease& copy = leases_.at(id); copy.job == job.number) spent += seconds(now - copy.granted);
  return kWasteLeast + kWasteShare * job.busy_s - spent;
}

bool Core::all_resident(Job& job, const wire::IntervalSet& tasks, Effects& effects) {
  if (!job.has_payloads() || job.payloads.all_resident()) return true;
  for (const auto& some : tasks.list()) {
    for (std::uint64_t task = some.begin; task < some.end; ++task) {
      if (job.payloads.resident(task)) continue;
      while (auto stretch = job.payloads.wanted(task, kLoadForCopy)) effects.push_back(Load{job.number, *stretch});
      return false;  // on_loaded() goes on
    }
  }
  return true;
}

bool Core::copy_overdue(Worker& idle, Time now, Effects& effects) {
  Lease* worst = nullptr;
  double worst_s = 0;
  std::optional<Time> next;
  for (auto& [id, lease] : leases_) {
    // What a worker still holds after a restart of the broker is not run anywhere else meanwhile.
    if (lease.worker == idle.session || may_be_elsewhere(lease, now)) continue;
    Job& job = jobs_.at(lease.job);
    if (!job.pool || !job.pending.empty() || !job.pool->of(idle) || !job.pool->need().free_on(idle)) continue;
    const Worker& holder = workers_.at(lease.worker);
    const auto place = std::find(holder.leases.begin(), holder.leases.end(), &lease) - holder.leases.begin();
    if (static_cast<std::size_t>(place) >= holder.slots()) continue;
    const std::optional<Time> due = overdue_at(lease, holder, job);
    if (due && *due > now && (!next || *due < *next)) next = due;
    if (!due || *due > now) continue;
    const double late_s = seconds(now - lease.granted) - lease.expected_s;
    const double rate = job.pool->of(idle)->rate;
    if (late_s <= worst_s || rate <= 0 || job.work_of(lease.open.list()) / rate > copies_budget_s(job, now)) continue;
    if (!all_resident(job, lease.open, effects)) continue;
    worst = &lease;
    worst_s = late_s;
  }
  if (next) retry_dispatch_at(*next);
  if (!worst) return false;
  Job& job = jobs_.at(worst->job);
  const wire::LeaseId original = worst->id;
  job.leased -= worst->open.size();  // send_tasks() counts them again
  send_tasks(job, *job.pool->of(idle), worst->open.list(), worst->attempt, now, effects);
  Lease& copy = leases_.at({config_.incarnation, last_lease_});
  copy.copy = true;
  copy.twin = original;
  worst->twin = copy.id;
  copies_.insert(copy.id);
  ++job.copies;
  return true;
}

void Core::prune_copies(Time now, Effects& effects) {
  if (copies_.empty()) return;
  const bool wanted = roomy_.empty() && std::any_of(turns_.levels().begin(), turns_.levels().end(), [](const auto& level) { return !level.second.turns.empty(); });
  std::vector<wire::LeaseId> over;
  for (auto it = copies_.rbegin(); it != copies_.rend(); ++it) {
    const Lease& copy = leases_.at(*it);
    // Who does not say a word may be gone: then the copy is all there is.
    const Session* holder = sessions_.find(leases_.at(copy.twin).worker);
    const bool silent = !holder || now - holder->heard > config_.beat_busy;
    if (!silent && ((wanted && over.empty()) || copies_budget_s(jobs_.at(copy.job), now) < 0)) over.push_back(*it);
  }
  for (wire::LeaseId id : over) {
    if (Lease* copy = find_lease(id)) drop_twin(leases_.at(copy->twin), now, effects);
  }
  if (!copies_.empty()) retry_dispatch_at(now + kRetryCopy);
}

void Core::drop_twin(Lease& winner, Time now, Effects& effects) {
  Lease& loser = leases_.at(winner.twin);
  Job& job = jobs_.at(loser.job);
  const wire::LeaseId id = loser.id;
  const wire::SessionId worker = loser.worker;
  leave_to_twin(loser, now);
  close_lease(id, "given back");
  send(worker, wire::Revoke{{id}}, effects, job.lease_ticket);
}

void Core::leave_to_twin(Lease& lease, Time now) {
  jobs_.at(lease.job).wasted_s += seconds(now - lease.granted);
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
