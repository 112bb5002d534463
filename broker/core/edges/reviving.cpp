#include "broker/core/edges/reviving.hpp"

#include <algorithm>
#include <deque>
#include <utility>

namespace quern::broker {

wire::IntervalSet Reviving::stopped(const Job& job) const {
  const Inflow* inflow = table_.of(job);
  return inflow ? inflow->stopped : wire::IntervalSet{};
}

void Reviving::on_rerun(Job& job, const wire::IntervalSet& again, Time now) {
  // A list and no recursion: a chain of jobs can be long.
  std::deque<Rerun> open{{job.number, again}};
  while (!open.empty()) {
    const Rerun rerun = std::move(open.front());
    open.pop_front();
    const Job* upstream = jobs_.find(rerun.job);
    if (!upstream) continue;
    const EdgeTable::Consumers consumers = table_.consumers_of(*upstream);
    const auto visit = [&](JobNumber number, auto&& tasks_of) {
      Job* consumer = jobs_.find(number);
      Inflow* inflow = consumer ? table_.of(*consumer) : nullptr;
      if (!inflow || consumer->phase.state == JobState::cancelled) return;
      wire::IntervalSet tasks = tasks_of(*consumer, *inflow);
      if (tasks.empty()) return;
      revive(*consumer, *inflow, tasks, now);
      open.push_back({number, std::move(tasks)});
    };
    for (const JobNumber taker : consumers.takers)
      visit(taker,
            [&](const Job& consumer, Inflow& inflow) { return taken_by(consumer, inflow, rerun); });
    for (const JobNumber waiter : consumers.waiters)
      visit(waiter, [](const Job& consumer, const Inflow& inflow) {
        // A job that has begun, or ended in another way, has no use for the second run.
        return consumer.final() && consumer.tasks.failed() == inflow.stopped.size()
                   ? inflow.stopped
                   : wire::IntervalSet{};
      });
  }
}

wire::IntervalSet Reviving::taken_by(const Job& job, Inflow& inflow, const Rerun& rerun) {
  wire::IntervalSet tasks;
  for (auto& source : inflow.sources) {
    if (source.job != rerun.job) continue;
    source.over = false;
    for (const auto& part : rerun.tasks.list()) {
      if (!inflow.gather) {
        for (const auto& stopped : inflow.stopped.intersect(part)) tasks.add(stopped);
        continue;
      }
      if (job.final()) continue;
      for (const std::uint64_t task : inflow.gather->revive(source.number, part))
        if (inflow.stopped.contains(task)) tasks.add({task, task + 1});
    }
  }
  // Once it has ended, its gather knows nothing. All its tasks wait again, and those fail again of
  // which other results are missing.
  return inflow.gather && job.final() ? inflow.stopped : tasks;
}

void Reviving::revive(Job& job, Inflow& inflow, const wire::IntervalSet& again, Time now) {
  const JobChange change = changes_.begin(job);
  if (job.final()) {
    endings_.reopen(job, again, now);
    if (inflow.gather) inflow.gather->reset();
    for (auto& source : inflow.sources) {
      const Job* from = jobs_.find(source.job);
      if (!from) continue;
      const std::uint64_t begin = from->output.results.begin();
      source.over = false;
      source.cursor = inflow.gather ? begin : std::max(source.cursor, begin);
    }
  } else {
    endings_.put_back(job, again);
  }
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
  // It starts only after all jobs that it was to start after, as at first.
  job.phase.hold.jobs = false;
  for (auto& wait : inflow.waits) {
    if (const Job* first = jobs_.find(wait.job))
      wait.over = first->final() && (wait.ended || first->phase.state == JobState::done);
    job.phase.hold.jobs = job.phase.hold.jobs || !wait.over;
  }
  plans_.on_changed(job);
  for (const auto& source : inflow.sources)
    if (Job* from = jobs_.find(source.job)) table_.refresh(*from);
  for (const auto& wait : inflow.waits)
    if (Job* from = jobs_.find(wait.job)) table_.refresh(*from);
}

}  // namespace quern::broker
