#include "broker/core/endings/endings.hpp"

#include <algorithm>

namespace quern::broker {

void Endings::finish_if_done(Job& job, Time now) {
  if (job.final()) return;
  if (job.has_failed())
    return end(job, JobState::failed, job.phase.failure, std::string(*job.phase.reason), now);
  if (job.is_blob()) {
    if (auto ending = blobs_.ending_of(job, now)) end(job, std::move(*ending), now);
    return;
  }
  const bool waits = job.phase.hold.any() && !job.phase.winding_down;
  if (!job.all_ended() || waits) return;

  const std::string& reduce =
      job.run.decision ? job.run.decision->reduce : job.spec.options->reduce;
  if (job.tasks.total == 0) {
    const auto builtin = wire::builtin_reducer(reduce);
    if (reduce.empty() && job.spec.input == InputKind::range && !job.run.decision)
      return;  // the default reducer of the function decides
    if (builtin) {
      if (auto nothing = wire::reduction_of_nothing(*builtin))
        job.output.value.emplace(wire::Buffer::adopt(std::move(*nothing)));
    } else if (!reduce.empty()) {
      if (!job.run.decision) return;
      if (const Bytes* identity = offers_.identity(reduce))
        job.output.value.emplace(wire::Buffer::copy(*identity));
    }
    return end(job, JobState::done, ErrorCode::none, "", now);
  }
  const std::uint64_t bad = job.tasks.failed() + job.tasks.cancelled;
  if (job.output.partials) {
    const bool builtin = wire::builtin_reducer(reduce).has_value();
    if (!builtin && job.output.partials->count() > 1) return;  // workers are still merging
    if (bad == 0 && job.run.decision->finish && !job.output.value)
      return;  // dispatch() grants the finish lease next
    if (!job.output.value) {
      if (auto error = job.output.partials->error())
        return end(job, JobState::failed, ErrorCode::failed, "reducer `" + reduce + "`: " + *error,
                   now);
    }
  }
  if (job.tasks.failed() > 0) {
    end(job, JobState::failed, ErrorCode::failed,
        std::to_string(job.tasks.failed()) + " of " + std::to_string(job.tasks.total) +
            " tasks failed" + (job.output.partials ? "; the result covers only the others" : ""),
        now);
  } else if (job.tasks.cancelled > 0) {
    // Not `done`: a client that waits for all results must not mistake these for all of them.
    end(job, JobState::cancelled, ErrorCode::cancelled,
        std::to_string(job.tasks.cancelled) + " of " + std::to_string(job.tasks.total) +
            " tasks were cancelled; the others are done",
        now);
  } else {
    end(job, JobState::done, ErrorCode::none, "", now);
  }
}

void Endings::end(Job& job, JobState state, ErrorCode code, std::string reason, Time now) {
  const JobChange change = changes_.begin(job);
  cancelling_.revoke_leases(job);
  job.phase.state = state;
  job.phase.failure = code;
  job.phase.set_reason(std::move(reason));
  job.phase.finished = now;
  job.phase.paused = false;
  job.cut_input();
  job.owner.orphan_until.reset();
  if (job.is_complete_blob()) job.tasks.done = job.tasks.total;
  // Tasks that have not ended by themselves end with the job.
  const std::uint64_t cancelled = job.tasks.total - job.tasks.done - job.tasks.failed();
  if (!job.is_blob() && cancelled > job.tasks.cancelled)
    context_.metrics.of(job.spec.function).tasks_cancelled += cancelled - job.tasks.cancelled;
  if (!job.is_blob() && cancelled > 0)
    for (const auto& part : job.tasks.ended.missing({0, job.tasks.total}))
      job.tasks.cancelled_set.edit().add(part);
  job.tasks.cancelled = cancelled;
  job.tasks.ended.add({0, job.tasks.total});
  job.tasks.pending.clear();
  job.tasks.backing_off.reset();
  job.tasks.leased = 0;
  wire::Intervals dropped;
  if (!job.is_complete_blob())
    job.intake.payloads.keep_only(*job.tasks.failed_set,
                                  dropped);  // failed tasks may be tried again
  // A job of millions of tasks may have thousands of rows. Without failed tasks all of them go, so
  // one operation is enough, and the store deletes them gradually.
  if (job.tasks.failed_set->empty()) {
    if (!dropped.empty()) journal_.persist(job, DropInputs{job.number});
  } else {
    for (const auto& slab : dropped) journal_.persist(job, DropInput{job.number, slab});
  }
  job.tasks.unsure.reset();
  job.attempts.failures = {};
  job.attempts.crashes = {};
  job.attempts.suspects.reset();
  if (job.output.partials && !job.output.value) {
    if (auto partial = job.output.partials->value())
      job.output.value.emplace(wire::Buffer::adopt(std::move(*partial)));
    // An empty value (concat of nothing) is also a value.
    if (!job.output.value && job.output.partials->count() > 0) job.output.value.emplace();
  }
  // The partials are needed again if failed tasks are retried.
  if (job.tasks.failed_set->empty() && job.output.partials) {
    journal_.persist(job, DropPartials{job.number});
    job.output.partials.reset();
  }
  jobs_.set_live(job, false);
  decider_.remove_undecided(job);
  queue_.leave(job);
  pools_.leave(job);
  job.effort.timeline.finish();
  if (job.tasks.failed_set->empty()) {
    job.intake.costs.reset();
  }
  if (job.is_complete_blob())
    jobs_.add_blob(job);
  else
    kept_.keep(job);
  if (job.has_common()) {
    for (auto& [id, worker] : workers_.all())
      if (worker.holds.commons.erase(job.spec.uuid) > 0)
        outbox_.send(id, wire::Forget{{job.spec.uuid}}, job.commits.latest);
    if (job.tasks.failed_set->empty()) job.spec.common.reset();
  }
  if (job.tasks.failed_set->empty()) blobs_.release(job);
  if (job.durable() && job.output.results.bytes() > 0) eviction_.note_results(job);
  context_.dispatch_needed = true;
}

void Endings::put_back(Job& job, const wire::IntervalSet& again) {
  for (const auto& tasks : again.list()) {
    job.tasks.ended.remove(tasks);
    job.tasks.pending.add(tasks);
  }
  for (std::uint64_t seq : job.output.results.erase_errors(again))
    journal_.persist(job, PutErrors{job.number, seq, job.output.results.at(seq).errors});
  for (const auto& tasks : again.list()) job.tasks.failed_set.edit().remove(tasks);
  if (job.tasks.failed_set->empty()) job.tasks.failed_set.reset();
  job.attempts.mishaps.edit().retried += again.size();
  context_.metrics.of(job.spec.function).retries += again.size();
}

void Endings::reopen(Job& job, const wire::IntervalSet& again, Time now) {
  const JobChange change = changes_.begin(job);
  kept_.let_go(job);
  put_back(job, again);
  if (job.attempts.mishaps->merge_failures > 0) job.attempts.mishaps.edit().merge_failures = 0;
  job.phase.state = JobState::waiting;
  job.phase.failure = ErrorCode::none;
  job.phase.reason.reset();
  job.output.value.reset();
  job.output.finishing = false;
  job.phase.winding_down = false;
  wire::JobOptions detached = jobs_.options_of(job);
  // Its client already has an answer, so the job no longer depends on a session.
  detached.detach = true;
  jobs_.set_options(job, std::move(detached));
  job.phase.finished = {};
  for (Follower& follower : job.followers) follower.told_final = false;
  jobs_.set_live(job, true);
  if (!job.run.decision) {
    decider_.add_undecided(job);
    decider_.decide_again(job);
  }
  queue_.enter(job);
  job.effort.pace.edit().done = job.tasks.done;
  job.effort.since = now;
  context_.dispatch_needed = true;
}

}  // namespace quern::broker
