#include "broker/core/membership/key_changes.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <utility>

#include "broker/core/access/access.hpp"
#include "wire/glob.hpp"

namespace quern::broker {

void KeyChanges::on_principals(Principals&& principals, bool invitations_open, Time now) {
  access_.set_principals(std::move(principals), invitations_open);
  end_unfit_sessions(now);
  for (auto& [id, worker] : workers_.all()) {
    workers_.restrict(worker, *access_.principal_of(worker.connection->user));
    pools_.join(worker);
  }
  std::map<std::string, const Principal*> by_name;
  for (const auto& [user, principal] : access_.principals())
    by_name.emplace(principal.name, &principal);
  quotas_.set_limits(by_name);
  for (JobNumber number : jobs_.live()) {
    Job& job = jobs_.at(number);
    const auto owner = by_name.find(job.spec.principal);
    job.owner.weight = owner == by_name.end() ? 1 : owner->second->weight;
    job.owner.weight_max =
        owner == by_name.end() || owner->second->may(Right::admin) ? kNoWeightMax : 1;
    jobs_.touch(job);
  }
  drop_followers();
  context_.dispatch_needed = true;
}

void KeyChanges::end_unfit_sessions(Time now) {
  // Sessions whose key was removed, belongs to another principal now, or no longer has the role
  // that the session needs.
  std::vector<wire::SessionId> ended;
  for (const auto& [id, session] : sessions_.all()) {
    const Principal* principal = access_.principal_of(session.user);
    const auto needs = session.role == wire::Role::worker ? Right::work : Right::submit;
    const bool fits =
        principal && principal->name == session.principal &&
        (principal->may(needs) ||
         (needs == Right::submit && (principal->may(Right::read) || principal->may(Right::admin))));
    if (!fits) ended.push_back(id);
  }
  for (wire::SessionId id : ended) {
    const Session& session = *sessions_.find(id);
    context_.warn(session.name + ": its key was revoked or changed; its session ends");
    access_.record(session.peer, session.principal, "end session", session.name, true,
                   "its key was revoked or changed");
    outbox_.send(session,
                 wire::ErrorMessage{ErrorCode::denied,
                                    "the key of " + session.principal + " was revoked or changed",
                                    {},
                                    0,
                                    true});
    leaving_.end_session(id, now);
  }
}

void KeyChanges::drop_followers() {
  for (auto& [id, session] : sessions_.all()) {
    if (session.role != wire::Role::client) continue;
    const Principal* principal = access_.principal_of(session.user);
    for (auto followed = session.reading.followed.begin();
         followed != session.reading.followed.end();) {
      Job* job = jobs_.find(*followed);
      const auto follower =
          job ? std::find_if(job->followers.begin(), job->followers.end(),
                             [&, s = id](const Follower& f) { return f.session == s; })
              : decltype(job->followers.begin()){};
      if (!job || follower == job->followers.end()) {
        ++followed;
        continue;
      }
      wire::Attach again;
      again.window = follower->window;
      const Verdict verdict = decide(*principal, again, subject_of(*job));
      follower->values = job->spec.principal == principal->name || principal->may(Right::admin);
      if (verdict.allowed) {
        ++followed;
        continue;
      }
      access_.record(session.peer, principal->name, "stop following",
                     "job " + std::to_string(value(job->number)), false, verdict.reason);
      outbox_.complain(session, ErrorCode::denied, verdict.reason, job->spec.uuid, 0);
      followers_.forget_outstanding(*follower);
      job->followers.erase(follower);
      followed = session.reading.followed.erase(followed);
    }
  }
}

void KeyChanges::on_moved(PeerId peer, Time now) {
  conduct_.block(peer);
  Session* session = sessions_.of_peer(peer);
  if (!session) return;
  const std::string why =
      "the key of " + session->principal + " may no longer connect from this address";
  access_.record(peer, session->principal, "end session", session->name, false, why);
  outbox_.send(*session, wire::ErrorMessage{ErrorCode::denied, why, {}, 0, true});
  leaving_.end_session(session->id, now);
}

}  // namespace quern::broker
