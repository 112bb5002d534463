#include "broker/core/scheduling/plan_book.hpp"

#include <algorithm>

#include "broker/core/base/seconds.hpp"
#include "broker/core/scheduling/sizing.hpp"

namespace quern::broker {

bool PlanBook::worth_planning(const Job& job) {
  // A plan does not know which slots of a worker can work at the same time on tasks that use a
  // counted resource. And at-most-once tasks must not wait behind other tasks.
  if (!job.run.pool || job.run.pool->empty() || job.tasks.pending.empty() || job.phase.paused ||
      job.spec.options->at_most_once ||
      job.run.pool->need().counts_on(*job.run.pool->members().front().worker))
    return false;
  if (2 * job.run.pool->known() < job.run.pool->members().size())
    return false;  // a plan based on guesses is useless
  const double best = job.run.pool->best_rate();
  return best > 0 && job.unit() / best >= kLeaseMax;
}

void PlanBook::on_changed(const Job& job) {
  plan_.stale = plan_.stale || job.run.planned > 0 || worth_planning(job);
}

void PlanBook::drop() {
  plan_.waiting.clear();
  plan_.shares.clear();
  for (JobNumber number : std::exchange(plan_.jobs, {})) {
    Job* it = jobs_.find(number);
    if (!it) continue;
    it->run.planned = 0;
    if (!it->final()) queue_.update(*it);
  }
}

void PlanBook::drop(const Worker& worker) {
  const auto it = plan_.waiting.find(worker.session);
  if (it == plan_.waiting.end()) return;
  for (const auto& row : it->second) unplan(row);
  plan_.waiting.erase(it);
}

void PlanBook::unplan(const PlanInUse::Row& row) {
  Job* it = jobs_.find(row.job);
  if (!it || it->run.planned == 0) return;
  if (--it->run.planned == 0 && !it->final()) queue_.update(*it);
}

std::vector<double> PlanBook::slots_ready(const Worker& worker, Time now) {
  std::vector<double> free(worker.slots(), 0);
  if (free.empty()) return free;  // all slots are stuck
  std::size_t n = 0;
  for (const Lease* lease : worker.holds.leases) {
    const auto slot = std::min_element(free.begin(), free.end());
    const double elapsed = n++ < free.size() ? seconds(now - lease->granted) : 0;
    // Overdue: assume it takes as long again as it is late.
    *slot += std::abs(lease->expected_s - elapsed);
  }
  return free;
}

double PlanBook::planned_end_s(wire::SessionId session, Time now) const {
  Worker* it = workers_.find(session);
  if (!it || it->slots() == 0) return 0;
  const Worker& worker = *it;
  double work = 0;
  for (const double slot : slots_ready(worker, now)) work += slot;
  if (const auto rows = plan_.waiting.find(session); rows != plan_.waiting.end()) {
    for (const auto& row : rows->second) {
      Job* job = jobs_.find(row.job);
      const Pool::Member* member = !job || !job->run.pool ? nullptr : job->run.pool->of(worker);
      if (member && member->rate > 0 && job->run.planned > 0)
        work += job->work_of(row.task) / member->rate;
    }
  }
  return work / worker.slots();
}

}  // namespace quern::broker
