#include "broker/core/membership/recovery.hpp"

#include <algorithm>

namespace quern::broker {
namespace {

using wire::Interval;

using wire::Intervals;

using wire::IntervalSet;

IntervalSet without(Interval all, const IntervalSet& some) {
  return IntervalSet(some.missing(all));
}

}  // namespace

void Recovery::recover(Recovered&& recovered, Time now) {
  context_.set_time(now);
  returns_.set_recovery_end(now + context_.config.recovery_wait);
  numbers_.begin_at(recovered.numbers_below);
  std::size_t unfinished = 0;
  for (RecoveredJob& job : recovered.jobs) {
    unfinished += is_final(job.progress.state) ? 0 : 1;
    recover_job(std::move(job), now);
  }
  for (auto& [number, job] : jobs_.all())
    if (!job.final() || !job.tasks.failed_set->empty()) blobs_.hold(job);
  if (!jobs_.all().empty())
    context_.note("the store has " + std::to_string(jobs_.all().size()) + " jobs, " +
                  std::to_string(unfinished) + " of them unfinished");
  context_.dispatch_needed = true;
}

void Recovery::recover_job(RecoveredJob&& stored, Time now) {
  Job& job = jobs_.add(stored.birth.number);
  recover_spec(job, stored, now);
  recover_tasks(job, stored);
  recover_results(job, stored);
  recover_cancelled(job);
  connecting_.recover(job, stored.birth, stored.inputs);
  const JobProgress& progress = stored.progress;
  job.effort.since = now;
  job.phase.submitted = now - stored.age;
  if (progress.waited_us > 0)
    job.phase.started = job.phase.submitted + std::chrono::microseconds(progress.waited_us);
  if (job.tasks.done > 0) job.effort.pace.edit().done = job.tasks.done;
  jobs_.index(job);
  if (const auto& parent = stored.birth.parent)
    families_.add(job, *parent, jobs_.find(parent->job));
  if (job.final())
    recover_ended(job, progress, now);
  else
    recover_live(job, now);
  accounts_.update(job);
  jobs_.touch(job);
}

void Recovery::recover_spec(Job& job, RecoveredJob& stored, Time now) {
  JobBirth& birth = stored.birth;
  const JobProgress& progress = stored.progress;
  job.spec.uuid = birth.uuid;
  job.spec.function = std::move(birth.function);
  if (Blob::is_function(job.spec.function)) job.blob.emplace(job, now);
  job.spec.input = birth.input;
  job.spec.base = birth.range_begin;
  job.spec.range_end = birth.range_end;
  birth.options.detach = progress.detach;
  jobs_.set_options(job, std::move(birth.options));
  job.spec.principal = std::move(birth.principal);
  job.spec.common = std::move(birth.common);
  if (birth.input_shape != 0)
    job.intake.keyed.edit().print = {birth.input_shape, progress.input_digest};
}

void Recovery::recover_tasks(Job& job, RecoveredJob& stored) {
  JobProgress& progress = stored.progress;
  job.phase.state = progress.state;
  job.phase.set_reason(std::move(progress.reason));
  job.phase.failure = progress.failure;
  job.phase.paused = progress.paused;
  job.intake.open = progress.open;
  job.intake.encoding = progress.encoding;
  job.intake.accepted = progress.accepted;
  job.intake.bytes = job.intake.credit_to = job.intake.credit_told = progress.accepted_bytes;
  job.tasks.total = progress.total;
  job.tasks.frontier = job.tasks.recovered_frontier = progress.frontier;
  job.tasks.ended = IntervalSet(progress.ended);
  if (!progress.failed.empty()) job.tasks.failed_set = IntervalSet(progress.failed);
  job.tasks.done = progress.done;
  job.spec.costed = job.spec.options->cost > 0;
  job.tasks.cancelled = progress.cancelled;
  if (progress.retried > 0) job.attempts.mishaps.edit().retried = progress.retried;
  for (const auto& counted : progress.attempts)
    job.attempts.failures.set(counted.tasks, counted.count);
  for (const auto& counted : progress.crashes)
    job.attempts.crashes.set(counted.tasks, counted.count);
  if (progress.decision) job.run.decision = decider_.shared(*progress.decision, job.spec.function);
  job.output.value = std::move(progress.value);

  for (const StoredInput& row : stored.inputs) {
    job.intake.payloads.append_stored(row);
    recover_costs(job, row);
    if (job.blob) job.blob->recover(row);
  }
  job.intake.payloads.skip_to(job.spec.input == InputKind::items ? job.tasks.total : 0);
  Intervals gone;  // rows with a task that is still needed stay
  for (const auto& tasks : job.is_complete_blob() ? Intervals{} : job.tasks.ended.list())
    for (const auto& part : job.tasks.failed_set->missing(tasks))
      job.intake.payloads.release(part, gone);
  for (const auto& rows : gone) journal_.persist(job, DropInput{job.number, rows});
}

void Recovery::recover_results(Job& job, RecoveredJob& stored) {
  const JobProgress& progress = stored.progress;
  job.output.results.begin_at(progress.results_begin);
  job.commits.results_from = progress.results_begin;
  for (RecoveredResult& result : stored.results) {
    result.entry.sequence = kFoundSequence;
    job.output.results.put_stored(std::move(result.entry), result.batch_weight);
  }
  if (job.run.decision && !job.run.decision->reduce.empty()) {
    job.output.partials.emplace(wire::builtin_reducer(job.run.decision->reduce));
    for (RecoveredPartial& partial : stored.partials)
      job.output.partials->add(partial.tasks, std::move(partial.value));
  }
}

void Recovery::recover_cancelled(Job& job) {
  // The store does not have them one by one: they have ended, and have neither an error nor a
  // result. That is not certain if results were deleted, or were reduced.
  if (job.tasks.cancelled == 0) return;
  IntervalSet rest = job.tasks.ended;
  for (const auto& tasks : job.tasks.failed_set->list()) rest.remove(tasks);
  const ResultLog& results = job.output.results;
  for (std::uint64_t seq = results.begin(); seq < results.end(); ++seq)
    for (const auto& tasks : results.at(seq).tasks) rest.remove(tasks);
  if (rest.size() == job.tasks.cancelled) job.tasks.cancelled_set = std::move(rest);
}

void Recovery::recover_ended(Job& job, const JobProgress& progress, Time now) {
  // Its time to live starts again: how long the broker was down says nothing about who needs it.
  job.phase.finished = now;
  if (job.phase.started != Time{})
    job.phase.started = now - std::chrono::microseconds(progress.ran_us);
  job.phase.submitted =
      std::min(job.phase.submitted, job.phase.started == Time{} ? now : job.phase.started);
  if (job.is_complete_blob())
    jobs_.add_blob(job);
  else
    kept_.keep(job);
  if (job.tasks.failed_set->empty()) job.output.partials.reset();
}

void Recovery::recover_live(Job& job, Time now) {
  if (IntervalSet unsure =
          without({0, std::min(job.tasks.frontier, job.tasks.total)}, job.tasks.ended);
      !unsure.empty())
    job.tasks.unsure = std::move(unsure);
  job.tasks.pending =
      without({std::min(job.tasks.frontier, job.tasks.total), job.tasks.total}, job.tasks.ended);
  if (const Inflow* inflow = edges_.of(job))
    for (const auto& part : inflow->blocked.list()) {
      if (job.tasks.unsure.exists()) job.tasks.unsure.edit().remove(part);
      job.tasks.pending.remove(part);
    }
  if (!job.tasks.unsure->empty()) returns_.expect_holders(job);
  if (!job.spec.options->detach) job.owner.orphan_until = now + context_.config.grace;
  jobs_.set_live(job, true);
  queue_.enter(job);
  if (!job.run.decision && job.is_run()) {
    decider_.add_undecided(job);
    decider_.decide_again(job);
  }
  if (job.phase.state == JobState::running && job.phase.started == Time{}) job.phase.started = now;
}

void Recovery::recover_costs(Job& job, const StoredInput& row) {
  if (row.costs.empty() || row.first > CostHints::kKept) return;
  job.spec.costed = true;
  // Rows of earlier tasks may be gone because these have ended.
  const double usual = job.unit();
  CostHints& hints = job.intake.costs.edit();
  while (hints.size() < row.first) hints.add(usual);
  for (const float cost : row.costs) hints.add(cost);
}

Lease* Recovery::adopt(const wire::HeldLease& held, const Session& session, Time now) {
  // A merge is simply repeated: its parts are here.
  if (held.kind == wire::LeaseKind::merge || held.kind == wire::LeaseKind::finish) return nullptr;
  Job* job = jobs_.find(held.job);
  if (!job || !job->durable() || job->final() || !job->run.decision || held.tasks.empty())
    return nullptr;
  const Worker& holder = *session.worker;
  // With this key or these labels, the worker would not have been granted this lease.
  if (!holder.offers(job->spec.function, job->run.decision->takes, job->run.decision->encoding) ||
      !pools_.need_of(*job).suited(holder))
    return nullptr;
  IntervalSet open;
  IntervalSet ended;
  for (const auto& tasks : held.tasks) {
    for (const auto& part : job->tasks.ended.intersect(tasks)) ended.add(part);
    for (const auto& part : job->tasks.unsure->intersect(tasks)) open.add(part);
    // The worker came back after the wait, but the tasks have not been granted again. Tasks that
    // were not leased before the restart cannot be held.
    if (const std::uint64_t end = std::min(tasks.end, job->tasks.recovered_frontier);
        tasks.begin < end)
      for (const auto& part : job->tasks.pending.intersect({tasks.begin, end})) open.add(part);
  }
  // Either nothing is left to do, or some of the tasks have been granted to others meanwhile, so
  // the worker must not report them.
  if (open.empty() || open.size() + ended.size() != wire::size(held.tasks)) return nullptr;
  for (const auto& part : open.list()) {
    job->tasks.unsure.edit().remove(part);
    job->tasks.pending.remove(part);
  }
  Worker& worker = *session.worker;
  Lease& lease = leases_.add(held.lease);
  lease.job = job->number;
  lease.worker = session.id;
  lease.kind = held.kind;
  lease.run.attempt = held.attempt;
  lease.size.tasks = open.size();
  lease.size.first = open.first().begin;
  lease.open = std::move(open);
  lease.cancelled = std::move(ended);
  lease.reports.adopted = true;
  lease.granted = now;
  pools_.join(*job);
  const Pool::Member* member = job->run.pool->of(worker);
  const double rate = member ? member->rate : 0;
  lease.expected_s =
      rate > 0 ? static_cast<double>(lease.size.tasks) * job->unit() / rate : kUnknownLease;
  job->tasks.leased += lease.size.tasks;
  queue_.expect(*job, lease.expected_s);
  worker.hold(lease);
  job->run.pool->need().count(worker, 1);
  ++job->tasks.leases;
  if (job->phase.state == JobState::waiting) job->phase.state = JobState::running;
  if (job->phase.started == Time{}) job->phase.started = now;
  jobs_.touch(*job);
  return &lease;
}

}  // namespace quern::broker
