#include "broker/core/sessions/conduct.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "broker/core/access/access.hpp"

namespace quern::broker {

Standing* Conduct::standing_of(const std::string& user) {
  // Without keys, principals cannot be distinguished, so only connections are limited.
  if (context_.config.open) return nullptr;
  // Known keys are few. While an invitation is open, there may be many strangers, so their records
  // are dropped when there are too many.
  constexpr std::size_t kStandingsMax = 10'000;
  if (standings_.size() >= kStandingsMax && !standings_.contains(user))
    std::erase_if(standings_,
                  [&](const auto& entry) { return !access_.principals().contains(entry.first); });
  return &standings_[user];
}

bool Conduct::ignores(PeerId peer, const std::string& user, Time now) {
  // A blocked connection has no session.
  bool ignored = !sessions_.of_peer(peer) && connections_.blocked(peer);
  if (!ignored && !context_.config.open && !standings_.empty()) {
    const auto it = standings_.find(user);
    ignored = it != standings_.end() && it->second.ignored(now);
  }
  if (ignored) ++context_.counters.ignored;
  return ignored;
}

void Conduct::on_ignored(PeerId peer, const std::string& user, const wire::Message& message,
                         Time now) {
  const auto known = standings_.find(user);
  if (known == standings_.end() || !known->second.ignored(now))
    return;  // only this connection is blocked
  Standing& standing = known->second;
  if (!std::holds_alternative<wire::Hello>(message) || !standing.told.try_take(1, kTold, now))
    return;
  const auto left = std::chrono::ceil<std::chrono::seconds>(standing.ignored_until - now);
  context_.effects.push_back(
      Send{peer,
           {},
           wire::Refused{ErrorCode::limit, "this key is blocked for another " +
                                               std::to_string(left.count()) + " s because of " +
                                               standing.why}});
}

void Conduct::offend(PeerId peer, const std::string& user, double weight, const std::string& what,
                     Time now) {
  ++context_.counters.offences;
  if (ignores(peer, user, now)) return;  // further offences have no effect while it is ignored
  Connection& connection = connections_.of(peer);
  if (connection.offences.take(weight, kOffences, now)) return;
  connection.blocked = true;
  blocked_.push_back(peer);
  const Session* session = sessions_.of_peer(peer);
  const Principal* principal = access_.principal_of(user);
  const std::string name = principal ? principal->name : user;
  access_.record(peer, name, "block", session ? session->name : "", false, what);
  context_.warn((session ? session->name : name) + " is blocked: " + what);
  penalise(peer, user, 1, what, now);
}

void Conduct::penalise(PeerId peer, const std::string& user, double weight, const std::string& what,
                       Time now) {
  Standing* standing = standing_of(user);
  if (!standing || standing->ignored(now) || standing->blocked.take(weight, kBlockedOften, now))
    return;
  const Principal* principal = access_.principal_of(user);
  const std::string name = principal ? principal->name : user;
  const auto time = standing->punish(now);
  standing->why = what;
  const std::string reason = "blocked for " + std::to_string(time.count()) + " s: " + what;
  context_.warn(name + " is " + reason);
  access_.record(peer, name, "limit", name, false, reason);
}

bool Conduct::tolerates_hello(PeerId peer, const std::string& user, Time now) {
  if (!connections_.of(peer).hellos.take(1, kHellos, now)) {
    offend(peer, user, 1, "too many HELLOs", now);
    return false;
  }
  if (Standing* standing = standing_of(user); standing && !standing->joins.take(1, kJoins, now)) {
    ++context_.counters.offences;
    penalise(peer, user, 1, "too many HELLOs", now);
    return false;
  }
  return true;
}

bool Conduct::tolerates(Session& session, const wire::Message& message, Time now) {
  if (const auto* fetch = std::get_if<wire::Fetch>(&message)) {
    if (connections_.of(session.peer).fetches.take(1, kFetches, now)) return true;
    if (fetch->token != 0)
      outbox_.complain(session, ErrorCode::limit, "fetch rate limit exceeded; retry in 1 s", {},
                       fetch->token);
    offend(session.peer, session.user, 0.1, "too many FETCHes", now);
    return false;
  }
  const auto* query = std::get_if<wire::Query>(&message);
  if (!query && !std::holds_alternative<wire::Beat>(message)) return true;
  Connection& connection = connections_.of(session.peer);
  if (!query) {
    if (std::get<wire::Beat>(message).reply && session.reading.probed)
      return true;  // the broker asked for this reply
    if (connection.beats.take(1, kBeats, now)) return true;
    offend(session.peer, session.user, 0.1, "too many heartbeats", now);
    return false;
  }
  if (connection.queries.take(1, kQueries, now)) return true;
  outbox_.complain(session, ErrorCode::limit, "query rate limit exceeded; retry in 1 s", {},
                   query->token);
  offend(session.peer, session.user, 0.1, "too many queries", now);
  return false;
}

bool Conduct::tolerates_stale(PeerId peer, const std::string& user, Time now) {
  if (!connections_.of(peer).stale.take(1, kStaleOfOne, now)) {
    offend(peer, user, 0.1, "too many messages of ended sessions", now);
    return false;
  }
  Standing* standing = standing_of(user);
  if (!standing || standing->stale.take(1, kStale, now)) return true;
  ++context_.counters.offences;
  penalise(peer, user, 0.1, "too many messages of ended sessions", now);
  return false;
}

void Conduct::count_refusal(const Session& session, Time now) {
  Standing* standing = standing_of(session.user);
  if (standing && !standing->refusals.take(1, kRefusals, now))
    offend(session.peer, session.user, 1, "too many refused submissions", now);
}

void Conduct::misbehaved(Session& session, ErrorCode code, std::string text, Time now) {
  ++context_.counters.malformed;
  context_.warn(session.name + ": " + text);
  access_.record(session.peer, session.principal, "end session", session.name, false, text);
  offend(session.peer, session.user, 5, text, now);
  outbox_.send(session, wire::ErrorMessage{code, std::move(text), {}, 0, true});
  ended_.push_back(session.id);
}

}  // namespace quern::broker
