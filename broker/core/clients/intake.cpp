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
  Job* job = jobs_.find(append.job, append.number);
  if (job && append.token == 0) return on_stream(session, *job, std::move(append), now);
  if (job) return on_batch(session, *job, std::move(append), now);
  Refusal why{ErrorCode::unknown_job,
              "unknown job: it has expired, or it was a memory job and the broker was restarted"};
  if (append.token != 0) why = jobs_.why_unknown(append.job, append.number);
  outbox_.complain(session, why.code, std::move(why.text), append.job, append.token);
}

void Intake::on_stream(Session& session, Job& job, wire::Append&& append, Time now) {
  const std::uint64_t end = append.first + append.batch.count();
  if (append.first > job.intake.accepted) {
    outbox_.complain(session, ErrorCode::malformed,
                     "APPEND begins at " + std::to_string(append.first) + ", but only " +
                         std::to_string(job.intake.accepted) + " have been accepted",
                     append.job, 0);
    return;
  }
  if (job.intake.from_jobs()) {
    outbox_.complain(session, ErrorCode::bad_input,
                     "the job takes the results of other jobs, so no items can be appended",
                     append.job, 0);
    return;
  }
  const bool fresh = end > job.intake.accepted || (append.close && job.intake.open);
  if (fresh && (!job.intake.open || job.spec.input == InputKind::range)) {
    if (!job.final() && !job.phase.winding_down)
      outbox_.complain(session, ErrorCode::bad_input, "the job is closed: it takes no more input",
                       append.job, 0);
    return;  // an ended job: its JOB says so
  }
  if (fresh && job.intake.feed == JobIntake::Feed::batches) {
    outbox_.complain(session, ErrorCode::conflict,
                     "another client has appended to the job, so this stream cannot continue",
                     append.job, 0);
    return;
  }
  job.intake.feed = JobIntake::Feed::stream;
  const bool last = append.close;
  if (end > job.intake.accepted && !take_new(session, job, std::move(append), now)) return;
  if (last && end >= job.intake.accepted) close(job);
  accounts_.grant_credit(job, now);
  job.intake.credit_told = job.intake.credit_to;
  Delivery::acknowledge(outbox_, session, job, job.commits.latest);
  jobs_.touch(job);
  context_.dispatch_needed = true;
}

void Intake::close(Job& job) {
  const JobChange change = changes_.begin(job);
  job.intake.open = false;
  // It may have waited for the end of its input.
  if (!job.run.decision) decider_.decide_job(job);
}

std::optional<Refusal> Intake::objection(const Job& job, const wire::Append& append, Time now) {
  const std::string name = "job " + std::to_string(value(job.number));
  if (job.is_blob() || job.spec.input == InputKind::range)
    return Refusal{ErrorCode::bad_input, name + " has no items, so none can be appended"};
  if (!job.intake.open || job.final() || job.phase.winding_down)
    return Refusal{ErrorCode::bad_input, name + " is closed: it takes no more items"};
  if (job.intake.from_jobs())
    return Refusal{ErrorCode::bad_input,
                   name + " takes the results of other jobs, so no items can be appended"};
  if (job.intake.feed == JobIntake::Feed::stream)
    return Refusal{ErrorCode::bad_input, name +
                                             " gets its items from the client that submitted "
                                             "it: others cannot append to it"};
  const std::uint64_t count = append.batch.count();
  if (count == 0) return std::nullopt;
  if (append.first != job.intake.accepted)
    return Refusal{ErrorCode::conflict, name + " has " + std::to_string(job.intake.accepted) +
                                            " items, so none can be appended as item " +
                                            std::to_string(append.first)};
  const std::uint64_t charged = count == 1 ? 1 : append.batch.weight();
  if (job.intake.bytes + charged > job.intake.credit_to)
    return Refusal{ErrorCode::queue_full,
                   name + " has no room for more items now: append them again later"};
  return quotas_.over(job.spec.principal, job.charged_tasks(count), append.batch.weight(), 0, now);
}

void Intake::on_batch(Session& session, Job& job, wire::Append&& append, Time now) {
  accounts_.grant_credit(job, now);
  // Closing may be repeated.
  const bool is_closed = !job.intake.open && append.close && append.batch.count() == 0 &&
                         job.spec.input == InputKind::items && !job.is_blob();
  if (is_closed) {
    outbox_.send(session, statuses_.update_of(job, now, append.token), job.commits.latest);
    return;
  }
  if (auto no = objection(job, append, now)) {
    outbox_.complain(session, no->code, std::move(no->text), job.spec.uuid, append.token);
    return;
  }
  job.intake.feed = JobIntake::Feed::batches;
  if (const std::uint64_t count = append.batch.count(); count > 0) {
    quotas_.charge(job.spec.principal, count, now);
    take_in(job, std::move(append.batch), append.costs);
  }
  if (append.close) close(job);
  jobs_.touch(job);
  context_.dispatch_needed = true;
  outbox_.send(session, statuses_.update_of(job, now, append.token), job.commits.latest);
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
