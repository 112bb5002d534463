#include "broker/core/scheduling/returns.hpp"

#include <algorithm>
#include <cmath>

#include "broker/core/access/access.hpp"
#include "broker/core/base/seconds.hpp"
#include "wire/blob.hpp"

namespace quern::broker {
namespace {

using std::chrono::milliseconds;
using wire::Interval;
using wire::Intervals;

constexpr milliseconds kBackoffMax{10'000};

// A failing run of a range is halved until the failing tasks are isolated, so that only they fail.
// A job with this many failed tasks cannot be saved, so its failing runs fail as a whole.
constexpr std::uint64_t kIsolatedFailures = 256;

milliseconds backoff_of(std::uint32_t first_ms, std::uint32_t failures) {
  const std::uint64_t ms = static_cast<std::uint64_t>(first_ms) << std::min(failures - 1, 20u);
  return std::min(kBackoffMax, milliseconds(ms));
}

}  // namespace

void Returns::close(Lease& lease, const char* outcome) {
  if (has_rival(lease)) attempts_.unlink(lease);
  if (lease.trial.slow) fitness_.forget_probe(lease);
  Job& job = jobs_.at(lease.job);
  if (lease.trial.exploratory && job.run.pool) --job.run.pool->explorers;
  if (lease.held_by) {
    Worker& worker = *lease.held_by;
    context_.metrics.lease_ended(context_.now - lease.granted);
    if (takes_resources(lease))
      job.effort.timeline.add(worker.name, worker.slots(), lease.granted, context_.now,
                              lease.size.first, lease.size.reported, outcome);
    worker.let_go(lease);
    if (job.run.pool && takes_resources(lease) && !lease.run.waits)
      job.run.pool->need().count(worker, -1);
    if (lease.run.waits) pools_.tell(worker);  // it has one slot less again
    pools_.note_room(worker);
  }
  queue_.expect(job, -lease.expected_s);
  --job.tasks.leases;
  leases_.remove(wire::LeaseId(lease.id));
}

void Returns::lose(wire::LeaseId id, Loss loss) {
  Lease* lease = leases_.find(id);
  if (!lease) return;
  ++context_.counters.leases_lost;
  Job& job = jobs_.at(lease->job);
  ++context_.metrics.of(job.spec.function).leases_lost;
  const JobChange change = changes_.begin(job);
  if (has_rival(*lease))
    attempts_.unlink(*lease);  // the other attempt keeps the tasks
  else if (lease->kind == wire::LeaseKind::merge) {
    job.output.partials->put_back(lease->open.first());
  } else if (lease->kind == wire::LeaseKind::finish) {
    job.output.finishing = false;
  } else if (job.spec.options->at_most_once && loss != Loss::never_arrived) {
    // It may have been started, and this job allows only one start.
    std::vector<TaskError> errors;
    for (const auto& tasks : lease->open.list()) {
      job.tasks.leased -= tasks.size();
      end_lost(job, tasks, errors);
    }
    if (!errors.empty()) journal_.append_result(job, {.errors = std::move(errors)});
  } else {
    const bool worker_lost = loss == Loss::while_running;
    const Intervals open = lease->open.list();
    // Only a task that ran alone is certainly to blame; others are first separated into smaller
    // leases.
    if (worker_lost && lease->open.size() == 1) {
      const Interval task = open[0];
      const std::uint32_t crashes = job.attempts.crashes.at(task.begin) + 1;
      if (crashes > context_.config.crash_limit) {
        job.tasks.leased -= 1;
        end_failed(job, task);
        journal_.append_result(
            job, {.errors = {{task.begin, 1, ErrorCode::poison,
                              "poisonous: " + std::to_string(crashes) +
                                  " workers were lost while they ran this task alone"}}});
      } else {
        job.attempts.crashes.set(task, crashes);
        give_back(job, task);
      }
    } else {
      for (const auto& tasks : open) {
        if (worker_lost && tasks.size() > 1)
          job.attempts.suspects.edit()[tasks.begin] = {tasks.end, (tasks.size() + 1) / 2};
        give_back(job, tasks);
      }
    }
    if (loss != Loss::never_arrived) count_retries(job, lease->open.size());
  }
  lease->open.clear();
  context_.dispatch_needed = true;
  close(*lease, "lost");
}

void Returns::lose_all(Worker& worker, bool lost) {
  // Leases run in the order of their ids, one per slot. Those behind the running ones were only
  // queued and are not to blame.
  std::uint32_t running = worker.slots();
  for (Lease* lease : std::vector<Lease*>(worker.holds.leases)) {
    // A task that waits is not what brought the worker down.
    const bool ran = running > 0 && !lease->run.waits;
    lose(lease->id, lost && ran ? Loss::while_running : Loss::perhaps_started);
    if (running > 0) --running;
  }
}

void Returns::give_back_all(Worker& worker, Time now) {
  for (Lease* held : std::vector<Lease*>(worker.holds.leases)) {
    Lease& lease = *held;
    Job& job = jobs_.at(lease.job);
    const JobChange change = changes_.begin(job);
    if (has_rival(lease))
      attempts_.unlink(lease);
    else if (lease.kind == wire::LeaseKind::merge)
      job.output.partials->put_back(lease.open.first());
    else if (lease.kind == wire::LeaseKind::finish)
      job.output.finishing = false;
    else
      for (const auto& tasks : lease.open.list()) give_back(job, lease, tasks, now);
    lease.open.clear();
    close(lease, "given back");
  }
  context_.dispatch_needed = true;
}

void Returns::give_back(Job& job, const Lease& lease, Interval tasks, Time now) {
  if (!may_be_elsewhere(lease, now)) return give_back(job, tasks);
  job.tasks.leased -= tasks.size();
  set_unsure(job, tasks);
}

void Returns::give_back(Job& job, Interval tasks) {
  job.tasks.leased -= tasks.size();
  job.tasks.pending.add(tasks);
  plans_.on_changed(job);
}

std::optional<Time> Returns::next_deadline() const {
  std::optional<Time> next;
  for (const auto* due : {&backing_off_, &unsure_})
    if (!due->empty() && (!next || due->begin()->first < *next)) next = due->begin()->first;
  return next;
}

bool Returns::may_be_elsewhere(const Lease& lease, Time now) const {
  return lease.id.incarnation < context_.config.incarnation && now < recovered_until_;
}

void Returns::set_unsure(Job& job, Interval tasks) {
  if (job.tasks.unsure->empty()) unsure_.emplace(recovered_until_, job.number);
  job.tasks.unsure.edit().add(tasks);
}

void Returns::count_retries(Job& job, std::uint64_t tasks) {
  job.attempts.mishaps.edit().retried += tasks;
  context_.metrics.of(job.spec.function).retries += tasks;
}

void Returns::end_tasks(Job& job, Interval tasks) {
  job.tasks.ended.add(tasks);
  if (job.has_payloads()) journal_.release_payloads(job, tasks);
  job.attempts.failures.forget(tasks);
  job.attempts.crashes.forget(tasks);
}

void Returns::end_failed(Job& job, Interval tasks) {
  job.tasks.ended.add(tasks);
  // Their payloads are kept, because they may be tried again (RETRY).
  job.tasks.failed_set.edit().add(tasks);
  context_.metrics.of(job.spec.function).tasks_failed += tasks.size();
  job.attempts.failures.forget(tasks);
  job.attempts.crashes.forget(tasks);
}

void Returns::end_lost(Job& job, Interval tasks, std::vector<TaskError>& errors) {
  end_failed(job, tasks);
  errors.push_back(
      {tasks.begin, tasks.size(), ErrorCode::lost_worker,
       "its worker was lost; the task may have started, and the job allows only one start"});
}

void Returns::fail_tasks(Job& job, const Lease& lease, const std::vector<TaskError>& errors,
                         std::vector<TaskError>& final_errors, Time now) {
  for (const auto& error : errors) {
    const std::uint64_t end = error.first + error.count;
    for (std::uint64_t at = error.first; at < end;) {
      const Interval run{at, job.attempts.failures.run_end(at, end)};
      at = run.end;
      // The attempt number comes from the lease, so a failure that is reported again to a restarted
      // broker does not count twice.
      const std::uint32_t failures =
          std::max(lease.run.attempt, job.attempts.failures.at(run.begin));
      const bool one_call = job.run.decision->takes == Takes::range && run.size() > 1 &&
                            !job.spec.options->at_most_once;
      const bool last_attempt =
          failures >= job.spec.options->attempts || error.code == ErrorCode::permanent;
      if (last_attempt && (!one_call || job.tasks.failed() >= kIsolatedFailures)) {
        end_failed(job, run);
        final_errors.push_back({run.begin, run.size(), error.code, error.text});
        continue;
      }
      job.attempts.failures.set(run, last_attempt ? failures - 1 : failures);
      if (one_call) job.attempts.suspects.edit()[run.begin] = {run.end, (run.size() + 1) / 2};
      // The previous broker may already have received this failure and granted the next attempt to
      // another worker.
      if (may_be_elsewhere(lease, now)) {
        set_unsure(job, run);
        continue;
      }
      const Time due = now + backoff_of(job.spec.options->backoff_ms, failures);
      job.tasks.backing_off.edit().emplace(due, run);
      backing_off_.emplace(due, job.number);
      count_retries(job, run.size());
    }
  }
}

void Returns::release_backing_off(Time now) {
  while (!backing_off_.empty() && backing_off_.begin()->first <= now) {
    Job* it = jobs_.find(backing_off_.begin()->second);
    backing_off_.erase(backing_off_.begin());
    if (!it) continue;
    Job& job = *it;
    while (!job.tasks.backing_off->empty() && job.tasks.backing_off->begin()->first <= now) {
      job.tasks.pending.add(job.tasks.backing_off->begin()->second);
      job.tasks.backing_off.edit().erase(job.tasks.backing_off->begin());
    }
    plans_.on_changed(job);
    jobs_.touch(job);
    context_.dispatch_needed = true;
  }
}

void Returns::release_unsure(Time now) {
  while (!unsure_.empty() && unsure_.begin()->first <= now) {
    Job* it = jobs_.find(unsure_.begin()->second);
    unsure_.erase(unsure_.begin());
    if (!it) continue;
    Job& job = *it;
    const JobChange change = changes_.begin(job);
    // According to the store these tasks were leased, so they may have been started; an
    // at-most-once job does not start them again.
    if (job.spec.options->at_most_once) {
      std::vector<TaskError> errors;
      for (const auto& tasks : job.tasks.unsure->list()) end_lost(job, tasks, errors);
      if (!errors.empty()) journal_.append_result(job, {.errors = std::move(errors)});
    } else {
      for (const auto& tasks : job.tasks.unsure->list()) job.tasks.pending.add(tasks);
      count_retries(job, job.tasks.unsure->size());
    }
    job.tasks.unsure.reset();
    context_.dispatch_needed = true;
  }
}

void Returns::drop_other(Lease& winner, Time now) {
  Lease& loser = leases_.at(winner.rival.id);
  Job& job = jobs_.at(loser.job);
  const wire::LeaseId id = loser.id;
  const wire::SessionId worker = loser.worker;
  attempts_.leave_to_other(loser, now);
  close(loser, "given back");
  outbox_.send(worker, wire::Revoke{{id}}, job.commits.leases);
}

}  // namespace quern::broker
