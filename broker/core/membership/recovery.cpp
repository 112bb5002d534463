#include "broker/core/membership/recovery.hpp"

#include <algorithm>

#include "wire/blob.hpp"

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
    if (!job.final() || !job.failed_tasks->empty()) blobs_.hold(job);
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
  const JobProgress& progress = stored.progress;
  job.pace_since = now;
  job.submitted = now - stored.age;
  if (progress.waited_us > 0)
    job.started = job.submitted + std::chrono::microseconds(progress.waited_us);
  if (job.done > 0) job.pace.edit().done = job.done;
  jobs_.index(job);
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
  job.uuid = birth.uuid;
  job.function = std::move(birth.function);
  job.blob = job.function == wire::kBlobFunction;
  if (job.blob) job.keeping.edit().wanted = now;
  job.input = birth.input;
  job.base = birth.range_begin;
  job.range_end = birth.range_end;
  birth.options.detach = progress.detach;
  jobs_.set_options(job, std::move(birth.options));
  job.principal = std::move(birth.principal);
  job.common = std::move(birth.common);
  if (birth.input_shape != 0) job.keyed.edit().print = {birth.input_shape, progress.input_digest};
}

void Recovery::recover_tasks(Job& job, RecoveredJob& stored) {
  JobProgress& progress = stored.progress;
  job.state = progress.state;
  job.reason = std::move(progress.reason);
  job.failure = progress.failure;
  job.open = progress.open;
  job.encoding = progress.encoding;
  job.accepted = progress.accepted;
  job.accepted_bytes = job.credit_to = job.credit_told = progress.accepted_bytes;
  job.total = progress.total;
  job.frontier = job.recovered_frontier = progress.frontier;
  job.ended = IntervalSet(progress.ended);
  if (!progress.failed.empty()) job.failed_tasks = IntervalSet(progress.failed);
  job.failed = job.failed_tasks->size();
  job.done = progress.done;
  job.costed = job.options->cost > 0;
  job.cancelled = progress.cancelled;
  if (progress.retried > 0) job.mishaps.edit().retried = progress.retried;
  for (const auto& counted : progress.attempts) job.attempts.set(counted.tasks, counted.count);
  for (const auto& counted : progress.crashes) job.crashes.set(counted.tasks, counted.count);
  if (progress.decision) job.decision = decider_.shared(*progress.decision, job.function);
  job.value = std::move(progress.value);

  for (const StoredInput& row : stored.inputs) {
    job.payloads.append_stored(row);
    recover_costs(job, row);
    if (job.blob) job.keeping.edit().last_chunk = row.weight < row.count * wire::kBlobChunk;
  }
  job.payloads.skip_to(job.input == InputKind::items ? job.total : 0);
  Intervals gone;  // rows with a task that is still wanted stay
  const bool kept = job.blob && job.state == JobState::done;
  for (const auto& tasks : kept ? Intervals{} : job.ended.list())
    for (const auto& part : job.failed_tasks->missing(tasks)) job.payloads.release(part, gone);
  for (const auto& rows : gone) journal_.persist(job, DropInput{job.number, rows});
}

void Recovery::recover_results(Job& job, RecoveredJob& stored) {
  const JobProgress& progress = stored.progress;
  job.results.begin_at(progress.results_begin);
  job.results_stored_from = progress.results_begin;
  for (RecoveredResult& result : stored.results) {
    result.entry.ticket = kFoundTicket;
    job.results.put_stored(std::move(result.entry), result.batch_weight);
  }
  if (job.decision && !job.decision->reduce.empty()) {
    job.partials.emplace(wire::builtin_reducer(job.decision->reduce));
    for (RecoveredPartial& partial : stored.partials)
      job.partials->add(partial.tasks, std::move(partial.value));
  }
}

void Recovery::recover_ended(Job& job, const JobProgress& progress, Time now) {
  job.finished = now;  // its time to live counts anew: how long the broker was away says nothing
                       // about who wants it
  if (job.started != Time{}) job.started = now - std::chrono::microseconds(progress.ran_us);
  job.submitted = std::min(job.submitted, job.started == Time{} ? now : job.started);
  if (job.blob && job.state == JobState::done)
    jobs_.add_blob(job);
  else
    kept_.keep(job);
  if (job.failed_tasks->empty()) job.partials.reset();
}

void Recovery::recover_live(Job& job, Time now) {
  if (IntervalSet unsure = without({0, std::min(job.frontier, job.total)}, job.ended);
      !unsure.empty())
    job.unsure = std::move(unsure);
  job.pending = without({std::min(job.frontier, job.total), job.total}, job.ended);
  if (!job.unsure->empty()) returns_.expect_holders(job);
  if (!job.options->detach) job.orphan_until = now + context_.config.grace;
  jobs_.set_live(job, true);
  turns_.enter(job);
  if (!job.decision && !job.blob) {
    decider_.add_undecided(job);
    decider_.decide_again(job);
  }
  if (job.state == JobState::running && job.started == Time{}) job.started = now;
}

void Recovery::recover_costs(Job& job, const StoredInput& row) {
  if (row.costs.empty() || row.first > CostHints::kKept) return;
  job.costed = true;
  // Of tasks before it the rows may be gone: they have ended.
  const double usual = job.unit();
  CostHints& hints = job.costs.edit();
  while (hints.size() < row.first) hints.add(usual);
  for (const float cost : row.costs) hints.add(cost);
}

Lease* Recovery::adopt(const wire::HeldLease& held, const Session& session, Time now) {
  // A merge under way is simply done again: its parts are here.
  if (held.kind == wire::LeaseKind::merge || held.kind == wire::LeaseKind::finish) return nullptr;
  Job* job = jobs_.find(held.job);
  if (!job || !job->durable() || job->final() || !job->decision || held.tasks.empty())
    return nullptr;
  const Worker& holder = *session.worker;
  // Its key, or its labels, would not have got it that lease.
  if (!holder.offers(job->function, job->decision->takes, job->decision->encoding) ||
      !pools_.need_of(*job).suited(holder))
    return nullptr;
  IntervalSet open;
  IntervalSet ended;
  for (const auto& tasks : held.tasks) {
    for (const auto& part : job->ended.intersect(tasks)) ended.add(part);
    for (const auto& part : job->unsure->intersect(tasks)) open.add(part);
    // It came back after the wait, but nobody has them yet. What was never leased before the
    // restart cannot be held.
    if (const std::uint64_t end = std::min(tasks.end, job->recovered_frontier); tasks.begin < end)
      for (const auto& part : job->pending.intersect({tasks.begin, end})) open.add(part);
  }
  // Nothing is left to do, or others have some of it by now: it is fenced.
  if (open.empty() || open.size() + ended.size() != wire::size(held.tasks)) return nullptr;
  for (const auto& part : open.list()) {
    job->unsure.edit().remove(part);
    job->pending.remove(part);
  }
  Worker& worker = *session.worker;
  Lease& lease = leases_.add(held.lease);
  lease.job = job->number;
  lease.worker = session.id;
  lease.kind = held.kind;
  lease.attempt = held.attempt;
  lease.granted_tasks = open.size();
  lease.first = open.first().begin;
  lease.open = std::move(open);
  lease.cancelled = std::move(ended);
  lease.adopted = true;
  lease.granted = now;
  pools_.join(*job);
  const Pool::Member* member = job->pool->of(worker);
  const double rate = member ? member->rate : 0;
  lease.expected_s =
      rate > 0 ? static_cast<double>(lease.granted_tasks) * job->unit() / rate : kUnknownLease;
  job->leased += lease.granted_tasks;
  turns_.expect(*job, lease.expected_s);
  worker.hold(lease);
  job->pool->need().count(worker, 1);
  ++job->leases_out;
  if (job->state == JobState::waiting) job->state = JobState::running;
  if (job->started == Time{}) job->started = now;
  jobs_.touch(*job);
  return &lease;
}

}  // namespace quern::broker
