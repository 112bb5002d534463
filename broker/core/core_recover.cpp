// After a restart: jobs come back from the store, workers say which leases they still hold.
//
// Tasks beyond a job's carve frontier were never leased: they are granted at once. Those before it
// that have not ended may be running somewhere right now, so they are `unsure` for recovery_wait: a
// worker that names them in its HELLO keeps its lease (adopt), and what nobody named by then is
// pending again.
#include <algorithm>

#include "broker/core/core.hpp"
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

void Core::recover(Recovered&& recovered, Time now) {
  started_ = clock_ = now;
  started_known_ = true;
  recovered_until_ = now + config_.recovery_wait;
  numbers_.begin_at(recovered.numbers_below);
  std::size_t unfinished = 0;
  for (RecoveredJob& job : recovered.jobs) {
    unfinished += is_final(job.progress.state) ? 0 : 1;
    recover_job(std::move(job), now);
  }
  for (auto& [number, job] : jobs_)
    if (!job.final() || !job.failed_tasks->empty()) hold_blobs(job);
  if (!next_sweep_) next_sweep_ = now;
  if (!jobs_.empty())
    effects_.push_back(Note{Note::Level::info, "the store has " + std::to_string(jobs_.size()) +
                                                   " jobs, " + std::to_string(unfinished) +
                                                   " of them unfinished"});
  dispatch_needed_ = true;
}

void Core::recover_job(RecoveredJob&& stored, Time now) {
  JobBirth& birth = stored.birth;
  JobProgress& progress = stored.progress;
  Job& job = jobs_[birth.number];
  job.number = birth.number;
  job.uuid = birth.uuid;
  job.function = std::move(birth.function);
  job.blob = job.function == wire::kBlobFunction;
  if (job.blob) job.keeping.edit().wanted = now;
  job.input = birth.input;
  job.base = birth.range_begin;
  job.range_end = birth.range_end;
  birth.options.detach = progress.detach;
  set_options(job, std::move(birth.options));
  job.principal = std::move(birth.principal);
  job.common = std::move(birth.common);
  if (birth.input_shape != 0) job.keyed.edit().print = {birth.input_shape, progress.input_digest};

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
  if (progress.decision) job.decision = shared_decision(*progress.decision, job.function);
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
  for (const auto& rows : gone) persist(job, DropInput{job.number, rows});

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

  job.pace_since = now;
  job.submitted = now - stored.age;
  if (progress.waited_us > 0)
    job.started = job.submitted + std::chrono::microseconds(progress.waited_us);
  if (job.done > 0) job.pace.edit().done = job.done;
  job_of_uuid_.emplace(job.uuid, &job);
  if (!job.options->unique.empty())
    unique_.emplace(std::pair(job.principal, job.options->unique), job.number);
  if (job.final()) {
    job.finished = now;  // its time to live counts anew: how long the broker was away says nothing
                         // about who wants it
    if (job.started != Time{}) job.started = now - std::chrono::microseconds(progress.ran_us);
    job.submitted = std::min(job.submitted, job.started == Time{} ? now : job.started);
    if (kept)
      blobs_.insert(job.number);
    else
      keep_ended(job);
    if (job.failed_tasks->empty()) job.partials.reset();
  } else {
    if (IntervalSet unsure = without({0, std::min(job.frontier, job.total)}, job.ended);
        !unsure.empty())
      job.unsure = std::move(unsure);
    job.pending = without({std::min(job.frontier, job.total), job.total}, job.ended);
    if (!job.unsure->empty()) unsure_.emplace(recovered_until_, job.number);
    if (!job.options->detach) job.orphan_until = now + config_.grace;
    live_.insert(job.number);
    turns_.enter(job);
    if (!job.decision && !job.blob) {
      set_undecided(job);
      redecide_.insert(job.number);
    }
    if (job.state == JobState::running && job.started == Time{}) job.started = now;
  }
  account(job);
  touch(job);
}

void Core::recover_costs(Job& job, const StoredInput& row) {
  if (row.costs.empty() || row.first > CostHints::kKept) return;
  job.costed = true;
  // Of tasks before it the rows may be gone: they have ended.
  const double usual = job.unit();
  CostHints& hints = job.costs.edit();
  while (hints.size() < row.first) hints.add(usual);
  for (const float cost : row.costs) hints.add(cost);
}

Lease* Core::adopt(const wire::HeldLease& held, const Session& session, Time now) {
  // A merge under way is simply done again: its parts are here.
  if (held.kind == wire::LeaseKind::merge || held.kind == wire::LeaseKind::finish) return nullptr;
  Job* job = find_job(held.job);
  if (!job || !job->durable() || job->final() || !job->decision || held.tasks.empty())
    return nullptr;
  const Worker& holder = *session.worker;
  // Its key, or its labels, would not have got it that lease.
  if (!holder.offers(job->function, job->decision->takes, job->decision->encoding) ||
      !need_of(*job).suited(holder))
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
  Lease& lease = leases_[held.lease];
  lease.id = held.lease;
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
  join_pool(*job);
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
  touch(*job);
  return &lease;
}

void Core::release_unsure(Time now) {
  while (!unsure_.empty() && unsure_.begin()->first <= now) {
    auto it = jobs_.find(unsure_.begin()->second);
    unsure_.erase(unsure_.begin());
    if (it == jobs_.end()) continue;
    Job& job = it->second;
    if (job.options->at_most_once) {  // what the store says was leased may have been started
      std::vector<TaskError> errors;
      for (const auto& tasks : job.unsure->list()) end_lost(job, tasks, errors);
      if (!errors.empty()) append_result(job, {.errors = std::move(errors)});
      save(job);
    } else {
      for (const auto& tasks : job.unsure->list()) job.pending.add(tasks);
      job.mishaps.edit().retried += job.unsure->size();
    }
    job.unsure.reset();
    touch(job);
    dispatch_needed_ = true;
  }
}

}  // namespace quern::broker
