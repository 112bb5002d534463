#include "broker/core/clients/nested_submissions.hpp"

#include <string>
#include <utility>

namespace quern::broker {
namespace {

std::string name_of(JobNumber job) { return "job " + std::to_string(value(job)); }

}  // namespace

void NestedSubmissions::on_submit(Session& session, wire::Submit&& submit, Time now) {
  Lease* lease = leases_.find(submit.lease);
  if (auto no = objection(session, submit, lease)) {
    if (lease && lease->worker != session.id)
      conduct_.offend(session.peer, session.user, 1, "submissions for other workers' leases", now);
    // An honest worker does not send these, or only rarely. What else is refused is the fault of
    // the task, for which its worker is not to blame.
    conduct_.count_refusal(session, now);
    return refuse(session, submit, *no);
  }
  Job& parent = jobs_.at(lease->job);
  if (Job* known = jobs_.find(submit.job)) return resume(session, *known, submit, now);
  if (auto no = objection(parent, submit)) return refuse(session, submit, *no);

  const ParentTask who{parent.number, submit.task, lease->id,
                       std::uint32_t{parent.phase.nesting.depth} + 1};
  submit.options.durability = parent.spec.options->durability;
  submit.options.detach = true;  // it lives as long as the task, not as long as a session
  const Submitter owner{parent.spec.principal, parent.owner.weight, parent.owner.weight_max, &who};
  const Uuid id = submit.job;
  access_.record(session.peer, session.principal, "submit for a task",
                 "function " + submit.function, true,
                 "on behalf of " + owner.name + ", task " + std::to_string(who.task) + " of " +
                     name_of(parent.number));
  submissions_.accept(session, owner, std::move(submit), now);
  if (Job* child = jobs_.find(id)) followers_.show_values(*child, session);
}

void NestedSubmissions::resume(Session& session, Job& child, const wire::Submit& submit, Time now) {
  const ParentTask* who = families_.parent_of(child);
  if (!who || who->lease != submit.lease) {
    conduct_.offend(session.peer, session.user, 1, "submissions that name jobs of others", now);
    return refuse(session, submit,
                  {ErrorCode::denied, "the task has not submitted the job with this UUID"});
  }
  submissions_.follow_again(session, child, submit);
  followers_.show_values(child, session);
}

std::optional<Refusal> NestedSubmissions::objection(const Session& session,
                                                    const wire::Submit& submit,
                                                    const Lease* lease) const {
  if (!lease)
    return Refusal{ErrorCode::cancelled,
                   "the lease of the task has ended, so it can submit nothing"};
  if (lease->worker != session.id)
    return Refusal{ErrorCode::denied, "this worker does not hold the lease of the task"};
  const Job& parent = jobs_.at(lease->job);
  if (!parent.spec.options->nested)
    return Refusal{ErrorCode::denied,
                   "tasks of " + name_of(parent.number) +
                       " may not submit jobs: submit it with --nested (SubmitOptions::nested)"};
  if (!takes_resources(*lease) || !lease->open.contains(submit.task) || parent.final())
    return Refusal{ErrorCode::cancelled,
                   "task " + std::to_string(submit.task) + " of " + name_of(parent.number) +
                       " is not running under this lease, so it can submit nothing"};
  return std::nullopt;
}

std::optional<Refusal> NestedSubmissions::objection(const Job& parent,
                                                    const wire::Submit& submit) const {
  if (Blob::is_function(submit.function))
    return Refusal{ErrorCode::bad_input, "a task cannot upload files as jobs"};
  if (parent.phase.nesting.depth + 1u > wire::kNestingDepthMax)
    return Refusal{ErrorCode::limit,
                   name_of(parent.number) + " is nested " +
                       std::to_string(parent.phase.nesting.depth) +
                       " levels deep, which is the limit: its tasks can submit no jobs"};
  const Family* family = families_.of(parent);
  if (family && family->children >= wire::kChildrenMax)
    return Refusal{ErrorCode::queue_full,
                   "queue_full: tasks of " + name_of(parent.number) + " have submitted " +
                       std::to_string(family->children) +
                       " jobs that have not ended, which is the limit; wait for some of them"};
  if (submit.options.priority > parent.spec.options->priority)
    return Refusal{ErrorCode::denied,
                   "a task of " + name_of(parent.number) + " may use priorities up to " +
                       std::to_string(parent.spec.options->priority) + ", that of its own job"};
  if (!access_.may_submit(parent.spec.principal, submit.function, submit.options.name))
    return Refusal{ErrorCode::denied, "no key of " + parent.spec.principal +
                                          " may submit a job of the function `" + submit.function +
                                          "` with this name"};
  return std::nullopt;
}

void NestedSubmissions::refuse(Session& session, const wire::Submit& submit,
                               const Refusal& refusal) {
  if (refusal.code == ErrorCode::denied)
    access_.record(session.peer, session.principal, "submit for a task",
                   "function " + submit.function, false, refusal.text);
  outbox_.complain(session, refusal.code, refusal.text, submit.job, 0);
}

}  // namespace quern::broker
