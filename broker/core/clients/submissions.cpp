#include "broker/core/clients/submissions.hpp"

#include <algorithm>

#include "broker/core/jobs/input_comparison.hpp"

namespace quern::broker {
namespace {

/// Who hands in many jobs and waits for none is not told of their ends: that would cost as much as
/// the submissions.
bool wants_to_follow(const wire::Submit& submit) {
  return !submit.options.detach || submit.window > 0 || submit.watch_ms > 0;
}

}  // namespace

void Submissions::on_submit(Session& session, const Principal& principal, wire::Submit&& submit,
                            Time now) {
  // The client sent SUBMIT again because it did not get the answer, so the job is not created
  // twice.
  if (Job* known = jobs_.find(submit.job)) return follow_again(session, *known, submit);
  if (!submit.options.unique.empty()) {
    for (JobEdge& edge : submit.edges)  // as they were remembered
      if (const Job* earlier = jobs_.find(edge.uuid, edge.number))
        edge = {{}, earlier->number, edge.pattern, edge.width, edge.step, edge.ended};
    Job* same = jobs_.find(session.principal, submit.options.unique);
    if (same && blobs_.is_given_up(*same, now)) {
      drop_blob(*same, now);
      same = nullptr;
    }
    if (same) return answer_same(session, *same, submit);
  }
  accept(session,
         {session.principal, principal.weight, principal.may(Right::admin) ? kNoWeightMax : 1},
         std::move(submit), now);
}

void Submissions::follow_again(Session& session, Job& known, const wire::Submit& submit) {
  if (wants_to_follow(submit))
    followers_.follow(known, session, known.output.results.begin(), submit.window, submit.watch_ms);
  known.owner.session = session.id;
  known.owner.orphan_until.reset();
  Delivery::acknowledge(outbox_, session, known, known.commits.latest);
  jobs_.touch(known);
}

void Submissions::accept(Session& session, const Submitter& owner, wire::Submit&& submit,
                         Time now) {
  const Uuid uuid = submit.job;
  const bool follows = wants_to_follow(submit);
  const std::uint64_t window = submit.window;
  const std::uint32_t watch_ms = submit.watch_ms;
  auto created = create(session, owner, std::move(submit), now);
  if (auto* refusal = std::get_if<Refusal>(&created)) {
    if (!owner.task)
      conduct_.count_refusal(session, now);  // a worker is not to blame for its tasks
    outbox_.complain(session, refusal->code, std::move(refusal->text), uuid, 0);
    return;
  }
  Job& job = *std::get<Job*>(created);
  if (follows) followers_.follow(job, session, 0, window, watch_ms);
  job.intake.credit_told = job.intake.credit_to;
  Delivery::acknowledge(outbox_, session, job,
                        std::max(job.commits.latest, factory_.numbers_commit()));
}

std::variant<Job*, Refusal> Submissions::create(const Session& session, const Submitter& owner,
                                                wire::Submit&& submit, Time now) {
  if (auto refusal = refusals_.of(session, owner.name, submit, now)) return std::move(*refusal);
  auto inflow = factory_.edges_of(owner.name, submit);
  if (auto* refusal = std::get_if<Refusal>(&inflow)) return std::move(*refusal);
  const auto& gather = std::get<Inflow>(inflow).gather;
  if (gather)
    if (auto no = quotas_.over(owner.name, gather->tasks(), submit.links.size(), 0, now))
      return std::move(*no);
  Job& job = factory_.create(session, owner, submit, std::move(std::get<Inflow>(inflow)), now);
  intake_.take_in(job, std::move(submit.batch), submit.costs);
  quotas_.charge(job.spec.principal, job.tasks.total, now);
  accounts_.grant_credit(job, now);
  decider_.decide_job(job);
  context_.dispatch_needed = true;
  return &job;
}

void Submissions::answer_same(Session& session, Job& same, const wire::Submit& submit) {
  const Match match = match_of(same, submit);
  if (match == Match::other) {
    outbox_.complain(session, ErrorCode::conflict, conflict_with(same), submit.job, 0);
    return;
  }
  if (same.blob) same.blob->want(context_.now);
  // The job that needs the file comes from this client.
  if (same.is_complete_blob()) same.owner.session = session.id;
  wire::Accepted answer = Delivery::accepted(same);
  answer.existing = true;
  answer.submitted = submit.job;
  answer.compare = match == Match::open;
  outbox_.acknowledge(session, std::move(answer), same.commits.latest);
}

void Submissions::drop_blob(Job& blob, Time now) {
  if (!blob.final())
    endings_.end(blob, JobState::cancelled, ErrorCode::cancelled, "its client disconnected", now);
  delivery_.send_results(blob, now);  // others may follow it and have to be told
  forgetting_.forget(blob.number);
}

}  // namespace quern::broker
