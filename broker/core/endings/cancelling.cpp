#include "broker/core/endings/cancelling.hpp"

#include <algorithm>

namespace quern::broker {

void Cancelling::revoke_leases(Job& job) {
  std::map<wire::SessionId, std::vector<wire::LeaseId>> revoked;
  for (Lease* lease : leases_.of(job.number, job.tasks.leases)) {
    revoked[lease->worker].push_back(lease->id);
    returns_.close(*lease, "given back");
  }
  for (auto& [worker, ids] : revoked)
    outbox_.send(worker, wire::Revoke{std::move(ids)}, job.commits.leases);
}

void Cancelling::cancel_tasks(Job& job, const wire::Intervals& tasks) {
  std::vector<TaskError> errors;
  for (wire::Interval wanted : tasks) {
    wanted.end = std::min(wanted.end, job.tasks.total);
    for (const auto& part : job.tasks.ended.missing(wanted)) {
      job.tasks.pending.remove(part);
      job.tasks.unsure.edit().remove(part);
      std::multimap<Time, wire::Interval> rest;
      for (const auto& [due, waiting] : *job.tasks.backing_off) {
        wire::IntervalSet left(wire::Intervals{waiting});
        left.remove(part);
        for (const auto& piece : left.list()) rest.emplace(due, piece);
      }
      job.tasks.backing_off.edit().swap(rest);
      job.tasks.cancelled += part.size();
      job.tasks.cancelled_set.edit().add(part);
      context_.metrics.of(job.spec.function).tasks_cancelled += part.size();
      errors.push_back({part.begin, part.size(), ErrorCode::cancelled, "cancelled"});
    }
  }
  const JobChange change = changes_.begin(job);
  std::map<wire::SessionId, std::vector<wire::LeaseId>> revoked;
  std::vector<Lease*> given_up;
  for (Lease* lease : leases_.of(job.number, job.tasks.leases)) {
    for (const auto& error : errors) {
      for (const auto& part : lease->open.intersect({error.first, error.first + error.count})) {
        lease->open.remove(part);
        lease->cancelled.add(part);
        if (!lease->rival.speculative) job.tasks.leased -= part.size();
      }
    }
    if (!lease->open.empty()) continue;
    revoked[lease->worker].push_back(lease->id);
    given_up.push_back(lease);
  }
  for (const auto& error : errors)
    returns_.end_tasks(job, {error.first, error.first + error.count});
  for (Lease* lease : given_up) returns_.close(*lease, "given back");
  for (auto& [worker, ids] : revoked)
    outbox_.send(worker, wire::Revoke{std::move(ids)}, job.commits.leases);
  if (!errors.empty()) journal_.append_result(job, {.errors = std::move(errors)});
}

void Cancelling::wind_down(Job& job) {
  const JobChange change = changes_.begin(job);
  job.phase.winding_down = true;
  // Its client may be reading from a terminal, so the rest of the input is not waited for.
  job.cut_input();
  for (Lease* lease : leases_.of(job.number, job.tasks.leases)) {
    if (lease->reclaim.asked) continue;
    lease->reclaim.asked = true;
    outbox_.send(lease->worker, wire::Reclaim{lease->id, lease->open.size()}, job.commits.leases);
  }
  cancel_waiting(job);
}

void Cancelling::cancel_waiting(Job& job) {
  wire::IntervalSet waiting = job.tasks.pending;
  for (const auto& [due, tasks] : *job.tasks.backing_off) waiting.add(tasks);
  if (!waiting.empty()) cancel_tasks(job, waiting.list());
}

}  // namespace quern::broker
