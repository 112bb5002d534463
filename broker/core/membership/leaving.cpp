#include "broker/core/membership/leaving.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "broker/core/access/access.hpp"

namespace quern::broker {

void Leaving::on_bye(Session& session, const wire::Bye& bye, Time now) {
  // A worker that leaves properly has handed everything back: leases that were still on their way
  // to it have never run.
  if (session.role == wire::Role::worker && bye.code == ErrorCode::none)
    returns_.give_back_all(*session.worker, now);
  end_session(session.id, now);
}

void Leaving::end_session(wire::SessionId id, Time now) {
  Session* session = sessions_.find(id);
  if (!session) return;
  if (session->role == wire::Role::worker) {
    Worker& worker = *session->worker;
    returns_.lose_all(worker, false);
    pools_.leave(worker);
    workers_.remove(worker);
  }
  for (const Uuid& uuid : session->reading.followed) {
    Job* job = jobs_.find(uuid);
    if (!job) continue;
    std::erase_if(job->followers, [&](const Follower& f) { return f.session == id; });
    if (job->durable() && job->final()) eviction_.note_results(*job);
    if (job->owner.session != id || job->spec.options->detach) continue;
    if (job->final())
      kept_.drop_results_at(*job, now + context_.config.grace);
    else
      job->owner.orphan_until = now + context_.config.grace;
  }
  without_session_.push_back(session->peer);
  sessions_.close(id);
  context_.dispatch_needed = true;
}

void Leaving::out_of_reach(Session& session) {
  if (!std::exchange(session.reachable, false) || session.role != wire::Role::worker) return;
  // It may come back with a new session; until then, no tasks are planned for it.
  plans_.drop(*session.worker);
  plans_.make_stale();
  context_.dispatch_needed = true;
  context_.retry_dispatch_at(context_.now);
}

void Leaving::on_unreachable(PeerId peer) {
  if (Session* session = sessions_.of_peer(peer)) out_of_reach(*session);
}

void Leaving::on_undelivered(PeerId peer, const wire::Message& message) {
  const Session* session = sessions_.of_peer(peer);
  const auto* lease = std::get_if<wire::Lease>(&message);
  on_unreachable(peer);
  // Its worker cannot have started it, so its tasks need not wait until the worker is lost.
  if (session && lease)
    if (const Lease* known = leases_.find(lease->lease); known && known->worker == session->id)
      returns_.lose(lease->lease, Loss::never_arrived);
}

void Leaving::end_offenders(Time now) {
  for (const wire::SessionId id : conduct_.take_ended()) end_session(id, now);
  for (const PeerId peer : conduct_.take_blocked()) {
    const Session* session = sessions_.of_peer(peer);
    const wire::SessionId id = session ? session->id : wire::SessionId{};
    context_.effects.push_back(Send{
        peer, id,
        wire::ErrorMessage{
            ErrorCode::limit, "connection blocked: repeated protocol violations", {}, 0, true}});
    if (session) end_session(id, now);
  }
}

}  // namespace quern::broker
