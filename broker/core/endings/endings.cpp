#include "broker/core/endings/endings.hpp"

#include <algorithm>

namespace quern::broker {

void Endings::finish_if_done(Job& job, Time now) {
  if (job.final()) return;
  if (job.has_failed()) return end(job, JobState::failed, job.failure, job.reason, now);
  if (job.blob) {
    if (auto ending = blobs_.ending_of(job, now)) end(job, std::move(*ending), now);
    return;
  }
  if (!job.all_ended()) return;

  const std::string& reduce = job.decision ? job.decision->reduce : job.options->reduce;
  if (job.total == 0) {
    const auto builtin = wire::builtin_reducer(reduce);
    if (reduce.empty() && job.input == InputKind::range && !job.decision)
      return;  // the function's default reducer decides
    if (builtin) {
      if (auto nothing = wire::reduction_of_nothing(*builtin))
        job.value.emplace(wire::Buffer::adopt(std::move(*nothing)));
    } else if (!reduce.empty()) {
      if (!job.decision) return;
      if (const Bytes* identity = offers_.identity(reduce))
        job.value.emplace(wire::Buffer::copy(*identity));
    }
    return end(job, JobState::done, ErrorCode::none, "", now);
  }
  const std::uint64_t bad = job.failed + job.cancelled;
  if (job.partials) {
    const bool builtin = wire::builtin_reducer(reduce).has_value();
    if (!builtin && job.partials->count() > 1) return;  // merges go on
    if (bad == 0 && job.decision->finish && !job.value)
      return;  // the finishing lease goes out with the next dispatch
    if (!job.value) {
      if (auto error = job.partials->error())
        return end(job, JobState::failed, ErrorCode::failed, "reducer `" + reduce + "`: " + *error,
                   now);
    }
  }
  if (job.failed > 0) {
    end(job, JobState::failed, ErrorCode::failed,
        std::to_string(job.failed) + " of " + std::to_string(job.total) + " tasks failed" +
            (job.partials ? "; the result covers the others only" : ""),
        now);
  } else if (job.cancelled > 0) {
    // Not `done`: whoever waits for all results must not take what is there for all.
    end(job, JobState::cancelled, ErrorCode::cancelled,
        std::to_string(job.cancelled) + " of " + std::to_string(job.total) +
            " tasks were cancelled, the others are done",
        now);
  } else {
    end(job, JobState::done, ErrorCode::none, "", now);
  }
}

void Endings::end(Job& job, JobState state, ErrorCode code, std::string reason, Time now) {
  cancelling_.revoke_leases(job);
  job.state = state;
  job.failure = code;
  job.reason = std::move(reason);
  job.finished = now;
  job.cut_input();
  job.orphan_until.reset();
  if (job.blob && state == JobState::done) job.done = job.total;
  // What did not end by itself ends with the job.
  job.cancelled = job.total - job.done - job.failed;
  job.ended.add({0, job.total});
  job.pending.clear();
  job.backing_off.reset();
  job.leased = 0;
  wire::Intervals dropped;
  if (!job.blob || state != JobState::done)
    job.payloads.keep_only(*job.failed_tasks, dropped);  // what failed may be tried again
  // A job of millions may have thousands of rows: without a failed task they all go, and the store
  // takes its time.
  if (job.failed_tasks->empty()) {
    if (!dropped.empty()) journal_.persist(job, DropInputs{job.number});
  } else {
    for (const auto& slab : dropped) journal_.persist(job, DropInput{job.number, slab});
  }
  job.unsure.reset();
  job.attempts = {};
  job.crashes = {};
  job.suspects.reset();
  if (job.partials && !job.value) {
    if (auto partial = job.partials->value())
      job.value.emplace(wire::Buffer::adopt(std::move(*partial)));
    // An empty value (concat of nothing) is a value too.
    if (!job.value && job.partials->count() > 0) job.value.emplace();
  }
  // What was folded is wanted again when failed tasks are tried again.
  if (job.failed_tasks->empty() && job.partials) {
    journal_.persist(job, DropPartials{job.number});
    job.partials.reset();
  }
  jobs_.set_live(job, false);
  decider_.remove_undecided(job);
  turns_.leave(job);
  pools_.leave(job);
  job.timeline.finish();
  if (job.failed_tasks->empty()) {
    job.costs.reset();
  }
  if (job.blob && state == JobState::done)
    jobs_.add_blob(job);
  else
    kept_.keep(job);
  if (job.has_common()) {
    for (auto& [id, worker] : workers_.all())
      if (worker.commons.erase(job.uuid) > 0)
        outbox_.send(id, wire::Forget{{job.uuid}}, job.ticket);
    if (job.failed_tasks->empty()) job.common.reset();
  }
  if (job.failed_tasks->empty()) blobs_.release(job);
  journal_.save(job);
  if (job.durable() && job.results.bytes() > 0) eviction_.note_results(job);
  accounts_.update(job);
  jobs_.touch(job);
  context_.dispatch_needed = true;
}

void Endings::reopen(Job& job, Time now) {
  kept_.let_go(job);
  const wire::IntervalSet again = *job.failed_tasks;
  for (const auto& tasks : again.list()) {
    job.ended.remove(tasks);
    job.pending.add(tasks);
  }
  for (std::uint64_t seq : job.results.erase_errors(again))
    journal_.persist(job, PutErrors{job.number, seq, job.results.at(seq).errors});
  job.failed_tasks.reset();
  job.failed = 0;
  job.mishaps.edit().retried += again.size();
  if (job.mishaps->merge_failures > 0) job.mishaps.edit().merge_failures = 0;
  job.state = JobState::waiting;
  job.failure = ErrorCode::none;
  job.reason.clear();
  job.value.reset();
  job.finishing = false;
  job.winding_down = false;
  wire::JobOptions detached = jobs_.options_of(job);
  detached.detach = true;  // whoever submitted it has its answer: it runs on its own now
  jobs_.set_options(job, std::move(detached));
  job.finished = {};
  for (Follower& follower : job.followers) follower.told_final = false;
  jobs_.set_live(job, true);
  if (!job.decision) {
    decider_.add_undecided(job);
    decider_.decide_again(job);
  }
  turns_.enter(job);
  job.pace.edit().done = job.done;
  job.pace_since = now;
  journal_.save(job);
  accounts_.update(job);
  jobs_.touch(job);
  context_.dispatch_needed = true;
}

}  // namespace quern::broker
