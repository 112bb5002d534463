// The tail of a job: nobody is idle while others hold more than they can do in time.
#include <algorithm>

#include "broker/core/core.hpp"

namespace quern::broker {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRetryReclaim{50};
// Work that ends sooner than this is not worth moving.
constexpr double kReclaimFrom = 0.020;

double seconds(wire::Duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

void Core::rebalance(Time now, Effects& effects) {
  if (leases_.empty()) return;
  for (Worker* worker : roomy_) {
    if (worker->leases.size() >= worker->slots() || !has_room(*worker)) continue;
    if (!ask_back(*worker, now, effects)) break;
  }
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
      const double rate = std::max(1e-9, busy.rate_of(job.function) / job.unit());
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
      if (!task_lease || !job.pool || !job.pool->of(idle) || (running && open < 2)) continue;
      candidates = true;
      const double ends_s = wait_s + left_s;
      if (lease.reclaiming || now < lease.reclaim_after || ends_s <= worst_s) continue;
      worst = &lease;
      worst_s = ends_s;
      const double idle_rate = idle.rate_of(job.function) > 0 ? idle.rate_of(job.function) / job.unit() : rate;
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

}  // namespace quern::broker
