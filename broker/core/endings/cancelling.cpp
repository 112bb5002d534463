#include "broker/core/endings/cancelling.hpp"

#include <algorithm>

namespace quern::broker {

void Cancelling::revoke_leases(Job& job) {
  std::map<wire::SessionId, std::vector<wire::LeaseId>> revoked;
  for (Lease* lease : leases_.of(job.number, job.leases_out)) {
    revoked[lease->worker].push_back(lease->id);
    returns_.close(*lease, "given back");
  }
  for (auto& [worker, ids] : revoked)
    outbox_.send(worker, wire::Revoke{std::move(ids)}, job.lease_ticket);
}

void Cancelling::cancel_tasks(Job& job, const wire::Intervals& tasks) {
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
  for (Lease* lease : leases_.of(job.number, job.leases_out)) {
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
  for (const auto& error : errors)
    returns_.end_tasks(job, {error.first, error.first + error.count});
  for (Lease* lease : given_up) returns_.close(*lease, "given back");
  for (auto& [worker, ids] : revoked)
    outbox_.send(worker, wire::Revoke{std::move(ids)}, job.lease_ticket);
  if (!errors.empty()) journal_.append_result(job, {.errors = std::move(errors)});
  journal_.save(job);
}

void Cancelling::wind_down(Job& job) {
  job.winding_down = true;
  job.cut_input();  // what would still come is not waited for: its client may be reading a terminal
  journal_.save(job);
  for (Lease* lease : leases_.of(job.number, job.leases_out)) {
    if (lease->reclaiming) continue;
    lease->reclaiming = true;
    outbox_.send(lease->worker, wire::Reclaim{lease->id, lease->open.size()}, job.lease_ticket);
  }
  cancel_waiting(job);
}

void Cancelling::cancel_waiting(Job& job) {
  wire::IntervalSet waiting = job.pending;
  for (const auto& [due, tasks] : *job.backing_off) waiting.add(tasks);
  if (!waiting.empty()) cancel_tasks(job, waiting.list());
}

}  // namespace quern::broker
