#include "broker/core/clients/intake.hpp"

#include <algorithm>

#include "broker/core/clients/delivery.hpp"

namespace quern::broker {

void Intake::take_in(Job& job, wire::Batch&& batch, const std::vector<float>& costs) {
  const std::uint64_t count = batch.count();
  if (count == 0) return;
  const JobChange change = changes_.begin(job);
  job.intake.bytes += batch.weight();
  if (job.intake.keyed->print.items != 0) job.intake.keyed.edit().print.add(batch);
  if (job.blob) job.blob->take(batch);
  journal_.add_input(job, batch, costs);
  take_costs(job, count, costs);
  costs_.foresee(job, batch);
  job.tasks.pending.add({job.intake.accepted, job.intake.accepted + count});
  job.intake.accepted += count;
  job.tasks.total = job.intake.accepted;
  plans_.on_changed(job);
  job.commits.leases = std::max(job.commits.leases, job.commits.latest);
}

void Intake::take_costs(Job& job, std::uint64_t count, const std::vector<float>& costs) {
  if ((costs.empty() && (!job.spec.costed || job.intake.costs->empty())) ||
      job.intake.accepted > CostHints::kKept)
    return;
  if (!job.spec.costed) {
    // Hints that arrive after part of the input came without any are useless.
    if (job.intake.accepted > 0) return;
    pools_.leave(job);
    job.spec.costed = true;
    if (!job.final()) pools_.join(job);
  }
  // For a batch without hints among others with hints, the tasks are assumed to cost what the job
  // states, or the mean of the others.
  const double usual = job.unit();
  CostHints& hints = job.intake.costs.edit();
  while (hints.size() < job.intake.accepted) hints.add(usual);
  for (std::uint64_t i = 0; i < count; ++i) hints.add(costs.empty() ? usual : costs[i]);
}

void Intake::on_append(Session& session, wire::Append&& append, Time now) {
  Job* job = jobs_.find(append.job);
  if (!job) {
    outbox_.complain(
        session, ErrorCode::unknown_job,
        "unknown job: it has expired, or it was a memory job and the broker was restarted",
        append.job, 0);
    return;
  }
  const std::uint64_t count = append.batch.count();
  const std::uint64_t end = append.first + count;
  if (append.first > job->intake.accepted) {
    outbox_.complain(session, ErrorCode::malformed,
                     "APPEND begins at " + std::to_string(append.first) + ", but only " +
                         std::to_string(job->intake.accepted) + " have been accepted",
                     append.job, 0);
    return;
  }
  const bool fresh = end > job->intake.accepted || (append.close && job->intake.open);
  if (fresh && (!job->intake.open || job->spec.input == InputKind::range)) {
    if (!job->final() && !job->phase.winding_down)
      outbox_.complain(session, ErrorCode::bad_input, "the job is closed: it takes no more input",
                       append.job, 0);
    return;  // an ended job: its JOB says so
  }
  const bool close = append.close;
  if (end > job->intake.accepted && !take_new(session, *job, std::move(append), now)) return;
  if (close && end >= job->intake.accepted) {
    const JobChange change = changes_.begin(*job);
    job->intake.open = false;
    if (!job->run.decision)
      decider_.decide_job(*job);  // it may have waited for the end of its input
  }
  accounts_.grant_credit(*job, now);
  job->intake.credit_told = job->intake.credit_to;
  outbox_.send(session, Delivery::accepted(*job), job->commits.latest);
  jobs_.touch(*job);
  context_.dispatch_needed = true;
}

bool Intake::take_new(Session& session, Job& job, wire::Append&& append, Time now) {
  wire::Batch batch = std::move(append.batch);
  const std::uint64_t all = batch.count();
  if (const std::uint64_t known = job.intake.accepted - append.first; known > 0) {
    const std::uint64_t offset = batch.sizes.sum(0, known);
    batch = {batch.sizes.slice(known, all), batch.bytes.slice(offset, batch.bytes.size() - offset)};
  }
  // A single item may exceed the remaining credit; otherwise an item larger than the credit could
  // never be sent.
  const std::uint64_t charged = batch.count() == 1 ? 1 : batch.weight();
  if (job.intake.bytes + charged > job.intake.credit_to) {
    conduct_.misbehaved(session, ErrorCode::credit, "more payload bytes than the credit allows",
                        now);
    return false;
  }
  if (auto no = quotas_.over(job.spec.principal, job.charged_tasks(batch.count()), batch.weight(),
                             0, now)) {
    conduct_.count_refusal(session, now);
    outbox_.complain(session, no->code, std::move(no->text), append.job, 0);
    return false;
  }
  if (job.blob && !job.blob->may_follow(batch)) {
    endings_.end(job, JobState::failed, ErrorCode::bad_input,
                 "every chunk of a file except the last must be 1 MiB", now);
    return false;
  }
  quotas_.charge(job.spec.principal, batch.count(), now);
  append.costs.erase(
      append.costs.begin(),
      append.costs.end() - static_cast<std::ptrdiff_t>(append.costs.empty() ? 0 : batch.count()));
  take_in(job, std::move(batch), append.costs);
  return true;
}

}  // namespace quern::broker
