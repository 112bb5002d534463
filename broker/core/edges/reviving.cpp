#include "broker/core/edges/reviving.hpp"

namespace quern::broker {

wire::IntervalSet Reviving::stopped(const Job& job) const {
  const Inflow* inflow = table_.of(job);
  return inflow ? inflow->stopped : wire::IntervalSet{};
}

void Reviving::on_rerun(Job& job, const wire::IntervalSet& again, Time now) {
  const EdgeTable::Consumers consumers = table_.consumers_of(job);
  for (const JobNumber number : consumers.takers) {
    Job* taker = jobs_.find(number);
    Inflow* inflow = taker ? table_.of(*taker) : nullptr;
    if (inflow) revive_taker(*taker, *inflow, job.number, again, now);
  }
  for (const JobNumber number : consumers.waiters) {
    Job* waiter = jobs_.find(number);
    Inflow* inflow = waiter ? table_.of(*waiter) : nullptr;
    if (inflow) revive_waiter(*waiter, *inflow, job.number, now);
  }
}

void Reviving::revive_taker(Job& job, Inflow& inflow, JobNumber upstream,
                            const wire::IntervalSet& again, Time now) {
  wire::IntervalSet tasks;
  for (auto& source : inflow.sources) {
    if (source.job != upstream) continue;
    for (const auto& part : again.list()) {
      if (!inflow.gather) {
        for (const auto& stopped : inflow.stopped.intersect(part)) tasks.add(stopped);
        continue;
      }
      for (const std::uint64_t task : inflow.gather->revive(source.number, part))
        if (inflow.stopped.contains(task)) tasks.add({task, task + 1});
    }
    source.over = false;
  }
  revive(job, inflow, tasks, now);
}

void Reviving::revive_waiter(Job& job, Inflow& inflow, JobNumber upstream, Time now) {
  // A job that has begun, or ended in another way, has no use for the second run.
  if (!job.final() || job.tasks.failed() != inflow.stopped.size() || inflow.stopped.empty()) return;
  for (auto& wait : inflow.waits)
    if (wait.job == upstream && !wait.ended) wait.over = false;
  job.phase.hold.jobs = true;
  revive(job, inflow, wire::IntervalSet(inflow.stopped), now);
}

void Reviving::revive(Job& job, Inflow& inflow, const wire::IntervalSet& again, Time now) {
  if (again.empty()) return;
  const JobChange change = changes_.begin(job);
  const bool was_final = job.final();
  if (was_final)
    endings_.reopen(job, again, now);
  else
    endings_.put_back(job, again);
  for (const auto& part : again.list()) {
    inflow.stopped.remove(part);
    // Those that had their input when the job was stopped have it still.
    for (const auto& missing : inflow.parked.missing(part)) {
      if (!inflow.takes_results()) continue;
      job.tasks.pending.remove(missing);
      inflow.blocked.add(missing);
    }
    inflow.parked.remove(part);
  }
  if (!inflow.blocked.empty()) job.intake.open = true;
  inflow.left = false;
  inflow.cancelled_seen = job.tasks.cancelled;
  plans_.on_changed(job);
  for (const auto& source : inflow.sources)
    if (Job* from = jobs_.find(source.job)) table_.refresh(*from);
  for (const auto& wait : inflow.waits)
    if (Job* from = jobs_.find(wait.job)) table_.refresh(*from);
  on_rerun(job, again, now);
}

}  // namespace quern::broker
