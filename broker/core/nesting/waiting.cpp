#include "broker/core/nesting/waiting.hpp"

#include <algorithm>

namespace quern::broker {

void Waiting::on_wait(Session& session, const wire::Wait& wait, Time now) {
  Lease* lease = leases_.find(wait.lease);
  if (!lease) return;  // it has ended meanwhile
  if (lease->worker != session.id)
    return conduct_.offend(session.peer, session.user, 1, "waits of other workers' leases", now);
  Job& job = jobs_.at(lease->job);
  if (wait.job.is_nil()) {
    if (lease->run.waits) end(*lease, job, now);
    return;
  }
  const Job* child = jobs_.find(wait.job);
  const ParentTask* who = child ? families_.parent_of(*child) : nullptr;
  if (!who || who->lease != lease->id)
    return conduct_.offend(session.peer, session.user, 0.1, "waits for jobs of others", now);
  if (child->final()) return;  // its end is on the way to the worker
  if (lease->run.waits)
    families_.set_waiting(job, lease->id, child->number);
  else
    begin(*lease, job, child->number, now);
}

void Waiting::begin(Lease& lease, Job& job, JobNumber child, Time now) {
  Worker& worker = *lease.held_by;
  queue_.expect(job, -lease.expected_s);
  worker.let_go(lease);
  lease.expected_s = 0;  // what is left of the task is not known, and hardly matters
  lease.run.waits = true;
  lease.run.since = now;
  worker.hold(lease);
  families_.set_waiting(job, lease.id, child);
  tell_pools(job, worker, -1);
}

void Waiting::end(Lease& lease, Job& job, Time now) {
  Worker& worker = *lease.held_by;
  worker.let_go(lease);
  // As if it had been granted later, so that its age is the time that it has run.
  lease.granted += now - std::max(lease.run.since, lease.granted);
  lease.run.waits = false;
  worker.hold(lease);
  families_.set_waiting(job, lease.id, std::nullopt);
  tell_pools(job, worker, 1);
}

void Waiting::tell_pools(Job& job, Worker& worker, int resources) {
  if (job.run.pool) job.run.pool->need().count(worker, resources);
  pools_.tell(worker);
  pools_.note_room(worker);
  jobs_.touch(job);
  context_.dispatch_needed = true;
}

}  // namespace quern::broker
