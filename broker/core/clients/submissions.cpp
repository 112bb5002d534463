#include "broker/core/clients/submissions.hpp"

#include <algorithm>

#include "broker/core/jobs/input_comparison.hpp"

namespace quern::broker {

void Submissions::on_submit(Session& session, const Principal& principal, wire::Submit&& submit,
                            Time now) {
  // The client sent SUBMIT again because it did not get the answer, so the job is not created
  // twice.
  if (Job* known = jobs_.find(submit.job)) {
    followers_.follow(*known, session, known->output.results.begin(), submit.window,
                      submit.watch_ms);
    known->owner.session = session.id;
    known->owner.orphan_until.reset();
    outbox_.send(session, Delivery::accepted(*known), known->commits.latest);
    jobs_.touch(*known);
    return;
  }
  if (!submit.options.unique.empty()) {
    Job* same = jobs_.find(session.principal, submit.options.unique);
    if (same && blobs_.is_given_up(*same, now)) {
      drop_blob(*same, now);
      same = nullptr;
    }
    if (same) return answer_same(session, *same, submit);
  }
  if (auto refusal = refusals_.of(session, submit, now)) {
    conduct_.count_refusal(session, now);
    outbox_.complain(session, refusal->code, std::move(refusal->text), submit.job, 0);
    return;
  }
  Job& job = factory_.create(session, principal, submit, now);
  intake_.take_in(job, std::move(submit.batch), submit.costs);
  quotas_.charge(job.spec.principal, job.tasks.total, now);
  accounts_.grant_credit(job, now);
  followers_.follow(job, session, 0, submit.window, submit.watch_ms);
  job.intake.credit_told = job.intake.credit_to;
  outbox_.send(session, Delivery::accepted(job),
               std::max(job.commits.latest, factory_.numbers_commit()));
  decider_.decide_job(job);
  context_.dispatch_needed = true;
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
  outbox_.send(session, std::move(answer), same.commits.latest);
}

void Submissions::drop_blob(Job& blob, Time now) {
  if (!blob.final())
    endings_.end(blob, JobState::cancelled, ErrorCode::cancelled, "its client disconnected", now);
  delivery_.send_results(blob, now);  // others may follow it and have to be told
  forgetting_.forget(blob.number);
}

}  // namespace quern::broker
