// How jobs end.
#include <algorithm>

#include "broker/core/core.hpp"

namespace quern::broker {

void Core::finish_if_done(Job& job, Time now) {
  if (job.final()) return;
  if (job.blob && job.failure == ErrorCode::none) return finish_blob(job, now);
  if (job.failure != ErrorCode::none)
    return end_job(job, JobState::failed, job.failure, job.reason, now);
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
    return end_job(job, JobState::done, ErrorCode::none, "", now);
  }
  const std::uint64_t bad = job.failed + job.cancelled;
  if (job.partials) {
    const bool builtin = wire::builtin_reducer(reduce).has_value();
    if (!builtin && job.partials->count() > 1) return;  // merges go on
    if (bad == 0 && job.decision->finish && !job.value)
      return;  // the finishing lease goes out with the next dispatch
    if (!job.value) {
      if (auto error = job.partials->error())
        return end_job(job, JobState::failed, ErrorCode::failed,
                       "reducer `" + reduce + "`: " + *error, now);
    }
  }
  if (job.failed > 0) {
    end_job(job, JobState::failed, ErrorCode::failed,
            std::to_string(job.failed) + " of " + std::to_string(job.total) + " tasks failed" +
                (job.partials ? "; the result covers the others only" : ""),
            now);
  } else if (job.cancelled > 0) {
    // Not `done`: whoever waits for all results must not take what is there for all.
    end_job(job, JobState::cancelled, ErrorCode::cancelled,
            std::to_string(job.cancelled) + " of " + std::to_string(job.total) +
                " tasks were cancelled, the others are done",
            now);
  } else {
    end_job(job, JobState::done, ErrorCode::none, "", now);
  }
}

void Core::end_job(Job& job, JobState state, ErrorCode code, std::string reason, Time now) {
  revoke_leases(job);
  job.state = state;
  job.failure = code;
  job.reason = std::move(reason);
  job.finished = now;
  cut_input(job);
  job.orphan_until.reset();
  // What did not end by itself ends with the job.
  job.cancelled += job.total - job.ended.size();
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
    if (!dropped.empty()) persist(job, DropInputs{job.number});
  } else {
    for (const auto& slab : dropped) persist(job, DropInput{job.number, slab});
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
    persist(job, DropPartials{job.number});
    job.partials.reset();
  }
  live_.erase(job.number);
  set_decided(job);
  turns_.leave(job);
  leave_pool(job);
  job.timeline.finish();
  if (job.failed_tasks->empty()) {
    job.costs.reset();
  }
  if (job.blob && state == JobState::done)
    blobs_.insert(job.number);
  else
    keep_ended(job);
  if (job.has_common()) {
    for (auto& [id, worker] : workers_)
      if (worker.commons.erase(job.uuid) > 0) send(id, wire::Forget{{job.uuid}}, job.ticket);
    if (job.failed_tasks->empty()) job.common.reset();
  }
  if (job.failed_tasks->empty()) release_blobs(job);
  save(job);
  if (job.durable() && job.results.bytes() > 0) results_heavy_.insert(job.number);
  account(job);
  touch(job);
  dispatch_needed_ = true;
  answer_comparisons(job, now);
}

void Core::reopen_job(Job& job, Time now) {
  keep_no_more(job);
  const wire::IntervalSet again = *job.failed_tasks;
  for (const auto& tasks : again.list()) {
    job.ended.remove(tasks);
    job.pending.add(tasks);
  }
  for (std::uint64_t seq : job.results.erase_errors(again))
    persist(job, PutErrors{job.number, seq, job.results.at(seq).errors});
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
  wire::JobOptions detached = options_of(job);
  detached.detach = true;  // whoever submitted it has its answer: it runs on its own now
  set_options(job, std::move(detached));
  job.finished = {};
  for (Follower& follower : job.followers) follower.told_final = false;
  live_.insert(job.number);
  if (!job.decision) {
    set_undecided(job);
    redecide_.insert(job.number);
  }
  turns_.enter(job);
  job.pace.edit().done = job.done;
  job.pace_since = now;
  save(job);
  account(job);
  touch(job);
  dispatch_needed_ = true;
}

void Core::revoke_leases(Job& job) {
  std::map<wire::SessionId, std::vector<wire::LeaseId>> revoked;
  for (Lease* lease : leases_of(job)) {
    revoked[lease->worker].push_back(lease->id);
    close_lease(*lease, "given back");
  }
  for (auto& [worker, ids] : revoked) send(worker, wire::Revoke{std::move(ids)}, job.lease_ticket);
}

void Core::cancel_tasks(Job& job, const wire::Intervals& tasks) {
  std::vector<TaskError> errors;
  for (wire::Interval wanted : tasks) {
    wanted.end = std::min(wanted.end, job.total);
    for (const auto& part : job.ended.missing(wanted)) {
      job.pending.remove(part);
      job.unsure.edit().remove(part);
      std::multimap<Time, wire::Interval> rest;
      for (const auto& [due, waiting] : *job.backing_off) {
        wire::IntervalSet left(wire::Intervals{waiting});
        left.remove(part);
        for (const auto& piece : left.list()) rest.emplace(due, piece);
      }
      job.backing_off.edit().swap(rest);
      job.cancelled += part.size();
      errors.push_back({part.begin, part.size(), ErrorCode::cancelled, "cancelled"});
    }
  }
  std::map<wire::SessionId, std::vector<wire::LeaseId>> revoked;
  std::vector<Lease*> given_up;
  for (Lease* lease : leases_of(job)) {
    for (const auto& error : errors) {
      for (const auto& part : lease->open.intersect({error.first, error.first + error.count})) {
        lease->open.remove(part);
        lease->cancelled.add(part);
        if (!lease->copy) job.leased -= part.size();
      }
    }
    if (!lease->open.empty()) continue;
    revoked[lease->worker].push_back(lease->id);
    given_up.push_back(lease);
  }
  for (const auto& error : errors) end_tasks(job, {error.first, error.first + error.count});
  for (Lease* lease : given_up) close_lease(*lease, "given back");
  for (auto& [worker, ids] : revoked) send(worker, wire::Revoke{std::move(ids)}, job.lease_ticket);
  if (!errors.empty()) append_result(job, {.errors = std::move(errors)});
  save(job);
}

void Core::wind_down(Job& job) {
  job.winding_down = true;
  cut_input(job);  // what would still come is not waited for: its client may be reading a terminal
  save(job);
  for (Lease* lease : leases_of(job)) {
    if (lease->reclaiming) continue;
    lease->reclaiming = true;
    send(lease->worker, wire::Reclaim{lease->id, lease->open.size()}, job.lease_ticket);
  }
  cancel_waiting(job);
}

void Core::cancel_waiting(Job& job) {
  wire::IntervalSet waiting = job.pending;
  for (const auto& [due, tasks] : *job.backing_off) waiting.add(tasks);
  if (!waiting.empty()) cancel_tasks(job, waiting.list());
}

void Core::forget_job(JobNumber number) {
  Job& job = jobs_.at(number);
  for (Follower& follower : job.followers) {
    forget_outstanding(follower);
    if (Session* session = sessions_.find(follower.session)) session->followed.erase(job.uuid);
  }
  persist(job, DropJob{number});
  release_blobs(job);
  blobs_.erase(number);
  commits_.forget(number);
  if (!job.options->unique.empty()) unique_.erase({job.principal, job.options->unique});
  unaccount(job);
  job_of_uuid_.erase(job.uuid);
  keep_no_more(job);
  jobs_.erase(number);
}

}  // namespace quern::broker
