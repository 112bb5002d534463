#include "broker/core/clients/requests.hpp"

#include <algorithm>
#include <utility>

#include "broker/core/jobs/failure_selection.hpp"
#include "broker/core/jobs/input_comparison.hpp"
#include "broker/core/jobs/input_print.hpp"
#include "wire/blob.hpp"
#include "wire/input_digest.hpp"

namespace quern::broker {

Job* Requests::find(const Session& session, Uuid uuid, JobNumber number, std::uint64_t token) {
  Job* job = jobs_.find(uuid, number);
  if (!job) {
    Refusal why = jobs_.why_unknown(uuid, number);
    outbox_.complain(session, why.code, std::move(why.text), uuid, token);
  }
  return job;
}

void Requests::on_attach(Session& session, const wire::Attach& attach, Time now) {
  Job* job = find(session, attach.job, attach.number, attach.token);
  if (!job) return;
  if (attach.window > 0 && attach.cursor < job->output.results.begin()) {
    outbox_.complain(session, ErrorCode::lost,
                     "the results of job " + std::to_string(value(job->number)) +
                         " were read by its client and have been deleted (only detached jobs and "
                         "jobs with an idempotency key keep their results)",
                     job->spec.uuid, attach.token);
    return;
  }
  if (attach.input_digest != 0) {
    const Match match = match_of(*job, attach);
    if (match == Match::other) {
      outbox_.complain(session, ErrorCode::conflict, conflict_with(*job), job->spec.uuid,
                       attach.token);
      return;
    }
    if (match == Match::open) return await_comparison(*job, {session.id, attach});
  }
  Follower& follower =
      followers_.follow(*job, session, attach.cursor, attach.window, attach.watch_ms);
  if (attach.window > 0) session.reading.wanted = job->number;
  if (attach.own && job->spec.principal == session.principal) {
    job->owner.session = session.id;
    job->owner.orphan_until.reset();
  }
  accounts_.update(*job);
  delivery_.tell(*job, follower, attach.token, now);
  jobs_.touch(*job);
}

void Requests::on_ack(Session& session, const wire::Ack& ack) {
  Job* job = jobs_.find(ack.job);
  if (!job) return;
  auto it = std::find_if(job->followers.begin(), job->followers.end(),
                         [&](const Follower& f) { return f.session == session.id; });
  if (it == job->followers.end()) return;
  const std::uint64_t to = std::min(ack.cursor, it->sent);
  const std::uint64_t before = it->outstanding;
  for (std::uint64_t seq = std::max(it->acked, job->output.results.begin()); seq < to; ++seq)
    it->outstanding -= std::min(it->outstanding, job->output.results.at(seq).weight);
  session.reading.results_out -= std::min(session.reading.results_out, before - it->outstanding);
  followers_.release_results(session);
  it->acked = std::max(it->acked, to);
  // A client that submits the same key again expects the same results.
  if (ack.release && job->owner.session == session.id && job->spec.options->unique.empty()) {
    const JobChange change = changes_.begin(*job);
    job->output.results.release_to(table_.on_read(*job, it->acked));
    context_.dispatch_needed = true;  // there is room for more results
  }
  jobs_.touch(*job);
}

std::uint64_t Requests::concerned(const Job& job, const wire::Cancel& cancel) {
  if (job.final() || job.is_blob()) return 0;
  const bool reduced = job.output.partials || !job.spec.options->reduce.empty();
  if (cancel.waiting && !reduced) return job.tasks.pending.size() + job.backing();
  if (cancel.tasks.empty()) return job.tasks.total - job.tasks.ended.size();
  std::uint64_t tasks = 0;
  for (wire::Interval wanted : cancel.tasks) {
    wanted.end = std::min(wanted.end, job.tasks.total);
    if (wanted.begin >= wanted.end) continue;
    tasks += wire::size(job.tasks.ended.missing(wanted));
  }
  return tasks;
}

void Requests::on_cancel(Session& session, const wire::Cancel& cancel, Time now) {
  Job* job = find(session, cancel.job, cancel.number, cancel.token);
  if (!job) return;
  const std::uint64_t touched = concerned(*job, cancel);
  const bool reduced = job->output.partials || !job->spec.options->reduce.empty();
  const bool refused = reduced && (cancel.waiting || !cancel.tasks.empty());
  if (cancel.dry_run && (job->final() || !refused))
    return answer(session, *job, cancel.token,
                  touched + (cancel.tree ? cancel_dependants(*job, true, now) : 0), now);
  if (!job->final()) {
    if (refused && !job->is_blob()) {
      outbox_.complain(session, ErrorCode::bad_input,
                       "a job with a reducer can only be cancelled as a whole", cancel.job,
                       cancel.token);
      return;
    }
    // Part of a file is useless.
    const bool as_a_whole = job->is_blob() || (cancel.tasks.empty() && !cancel.waiting);
    if (as_a_whole) {
      endings_.end(*job, JobState::cancelled, ErrorCode::cancelled, "cancelled", now);
    } else {
      if (cancel.waiting)
        cancelling_.wind_down(*job);
      else
        cancelling_.cancel_tasks(*job, cancel.tasks);
      endings_.finish_if_done(*job, now);
    }
  }
  std::uint64_t others = 0;
  if (cancel.tree) others = cancel_dependants(*job, cancel.dry_run, now);
  if (cancel.token != 0) answer(session, *job, cancel.token, touched + others, now);
  jobs_.touch(*job);
}

std::uint64_t Requests::cancel_dependants(const Job& job, bool dry_run, Time now) {
  std::uint64_t tasks = 0;
  for (const JobNumber number : table_.dependants_of(job)) {
    Job* other = jobs_.find(number);
    if (!other || other->final()) continue;
    tasks += other->tasks.total - other->tasks.ended.size();
    if (dry_run) continue;
    endings_.end(*other, JobState::cancelled, ErrorCode::cancelled,
                 "cancelled together with job " + std::to_string(value(job.number)) +
                     ", on which it depends",
                 now);
    jobs_.touch(*other);
  }
  return tasks;
}

void Requests::answer(const Session& session, const Job& job, std::uint64_t token,
                      std::uint64_t touched, Time now) {
  wire::JobUpdate update = statuses_.update_of(job, now, token);
  update.touched = touched;
  outbox_.send(session, std::move(update), job.commits.latest);
}

void Requests::on_retry(Session& session, const wire::Retry& retry, Time now) {
  Job* job = find(session, retry.job, retry.number, retry.token);
  if (!job) return;
  if (!job->final() || job->tasks.failed_set->empty()) {
    outbox_.complain(
        session, ErrorCode::bad_input,
        "job " + std::to_string(value(job->number)) +
            (job->final() ? " has no failed tasks to retry"
                          : " is still running: retry its failed tasks when it has ended"),
        retry.job, retry.token);
    return;
  }
  if (job->spec.options->at_most_once) {
    outbox_.complain(session, ErrorCode::bad_input,
                     "job " + std::to_string(value(job->number)) +
                         " runs each task at most once, so failed tasks cannot be retried: submit "
                         "them as a new job if they may run again",
                     retry.job, retry.token);
    return;
  }
  if (const auto deadline = job->deadline(); deadline && *deadline <= now) {
    outbox_.complain(
        session, ErrorCode::bad_input,
        "the deadline of job " + std::to_string(value(job->number)) +
            " is over, so its failed tasks cannot be retried: submit them as a new job",
        retry.job, retry.token);
    return;
  }
  wire::IntervalSet again = selected_failures(*job, retry);
  const wire::IntervalSet stopped = reviving_.stopped(*job);
  const bool selected = !again.empty();
  for (const auto& part : stopped.list()) again.remove(part);
  if (retry.dry_run) return answer(session, *job, retry.token, again.size(), now);
  if (again.empty() && selected) {
    outbox_.complain(session, ErrorCode::bad_input,
                     "the failed tasks of job " + std::to_string(value(job->number)) +
                         " need results of tasks that failed: retry those, and these run after "
                         "them (`quern explain " +
                         std::to_string(value(job->number)) + "` names the jobs)",
                     retry.job, retry.token);
    return;
  }
  if (again.empty()) {
    outbox_.complain(session, ErrorCode::bad_input,
                     "no failed task of job " + std::to_string(value(job->number)) +
                         " meets these conditions: see `quern results " +
                         std::to_string(value(job->number)) + " --failed --group`",
                     retry.job, retry.token);
    return;
  }
  if (auto no = quotas_.over(job->spec.principal, again.size(), 0, 1, now)) {
    outbox_.complain(session, no->code, std::move(no->text), retry.job, retry.token);
    return;
  }
  quotas_.charge(job->spec.principal, again.size(), now);
  endings_.reopen(*job, again, now);
  reviving_.on_rerun(*job, again, now);
  answer(session, *job, retry.token, again.size(), now);
}

void Requests::on_pause(Session& session, const wire::Pause& pause, Time now) {
  Job* job = find(session, pause.job, pause.number, pause.token);
  if (!job) return;
  if (job->final() || job->is_blob()) {
    const std::string action = pause.resume ? "resumed" : "paused";
    outbox_.complain(session, ErrorCode::bad_input,
                     "job " + std::to_string(value(job->number)) +
                         (job->final() ? " has ended, so it cannot be " + action
                                       : " carries a file, and a file cannot be " + action),
                     job->spec.uuid, pause.token);
    return;
  }
  if (pause.resume)
    pausing_.resume(*job);
  else
    pausing_.pause(*job);
  outbox_.send(session, statuses_.update_of(*job, now, pause.token), job->commits.latest);
}

void Requests::await_comparison(Job& job, Comparison comparison) {
  auto& waiting = job.intake.keyed.edit().comparisons;
  std::erase_if(waiting,
                [&](const Comparison& other) { return other.session == comparison.session; });
  waiting.push_back(std::move(comparison));
}

void Requests::answer_comparisons(Job& job, Time now) {
  if (job.intake.keyed->comparisons.empty()) return;
  const auto waiting = std::exchange(job.intake.keyed.edit().comparisons, {});
  for (const Comparison& each : waiting)
    if (Session* session = sessions_.find(each.session)) on_attach(*session, each.attach, now);
}

}  // namespace quern::broker
