// What happens to peers that flood, forge or send garbage (conduct.hpp says how much is tolerated).
#include <utility>

#include "broker/core/core.hpp"

namespace quern::broker {

Standing* Core::standing_of(const std::string& user) {
  // Without keys nobody can be told from anybody: only connections are limited then.
  if (config_.open) return nullptr;
  // Keys that are known are few; while an invitation is open strangers may be many, and what they
  // did is soon forgotten.
  constexpr std::size_t kStandingsMax = 10'000;
  if (standings_.size() >= kStandingsMax && !standings_.contains(user))
    std::erase_if(standings_,
                  [&](const auto& entry) { return !principals_.contains(entry.first); });
  return &standings_[user];
}

bool Core::ignores(PeerId peer, const std::string& user, Time now) {
  bool ignored =
      !sessions_.of_peer(peer) && connections_.muted(peer);  // who was cut off has no session
  if (!ignored && !config_.open && !standings_.empty()) {
    const auto it = standings_.find(user);
    ignored = it != standings_.end() && it->second.ignored(now);
  }
  if (ignored) ++counters_.ignored;
  return ignored;
}

void Core::on_ignored(PeerId peer, const std::string& user, const wire::Message& message,
                      Time now) {
  const auto known = standings_.find(user);
  if (known == standings_.end() || !known->second.ignored(now))
    return;  // only this connection is not listened to
  Standing& standing = known->second;
  if (!std::holds_alternative<wire::Hello>(message) || !standing.told.try_take(1, kTold, now))
    return;
  const auto left = std::chrono::ceil<std::chrono::seconds>(standing.ignored_until - now);
  effects_.push_back(
      Send{peer,
           {},
           wire::Refused{ErrorCode::limit, "the broker does not listen to this key for another " +
                                               std::to_string(left.count()) + " s: it saw " +
                                               standing.why}});
}

void Core::offend(PeerId peer, const std::string& user, double weight, const std::string& what,
                  Time now) {
  ++counters_.offences;
  if (ignores(peer, user, now)) return;  // what it does now costs nothing more
  Connection& connection = connections_.of(peer);
  if (connection.offences.take(weight, kOffences, now)) return;
  connection.muted = true;
  cut_off_.push_back(peer);
  const Session* session = sessions_.of_peer(peer);
  const Principal* principal = principal_of(user);
  const std::string name = principal ? principal->name : user;
  record(peer, name, "cut off", session ? session->name : "", false, what);
  effects_.push_back(
      Note{Note::Level::warning, (session ? session->name : name) + " is cut off: " + what});
  strike(peer, user, 1, what, now);
}

void Core::strike(PeerId peer, const std::string& user, double weight, const std::string& what,
                  Time now) {
  Standing* standing = standing_of(user);
  if (!standing || standing->ignored(now) || standing->strikes.take(weight, kStrikes, now)) return;
  const Principal* principal = principal_of(user);
  const std::string name = principal ? principal->name : user;
  const auto time = standing->punish(now);
  standing->why = what;
  const std::string reason = "not listened to for " + std::to_string(time.count()) + " s: " + what;
  effects_.push_back(Note{Note::Level::warning, name + " is " + reason});
  record(peer, name, "limit", name, false, reason);
}

void Core::end_cut_off(Time now) {
  for (PeerId peer : std::exchange(cut_off_, {})) {
    const Session* session = sessions_.of_peer(peer);
    const wire::SessionId id = session ? session->id : wire::SessionId{};
    effects_.push_back(
        Send{peer, id,
             wire::ErrorMessage{ErrorCode::limit,
                                "this connection did what no honest peer does, again "
                                "and again, and is not listened to any more",
                                {},
                                0,
                                true}});
    if (session) end_session(id, now);
  }
}

bool Core::tolerates_hello(PeerId peer, const std::string& user, Time now) {
  if (!connections_.of(peer).hellos.take(1, kHellos, now)) {
    offend(peer, user, 1, "a flood of HELLOs", now);
    return false;
  }
  if (Standing* standing = standing_of(user); standing && !standing->joins.take(1, kJoins, now)) {
    ++counters_.offences;
    strike(peer, user, 1, "a flood of HELLOs", now);
    return false;
  }
  return true;
}

bool Core::tolerates(Session& session, const wire::Message& message, Time now) {
  if (std::holds_alternative<wire::Fetch>(message)) {
    if (connections_.of(session.peer).fetches.take(1, kFetches, now)) return true;
    offend(session.peer, session.user, 0.1, "a flood of FETCHes", now);
    return false;
  }
  const auto* query = std::get_if<wire::Query>(&message);
  if (!query && !std::holds_alternative<wire::Beat>(message)) return true;
  Connection& connection = connections_.of(session.peer);
  if (!query) {
    if (std::get<wire::Beat>(message).reply && session.probed) return true;  // it was asked for
    if (connection.beats.take(1, kBeats, now)) return true;
    offend(session.peer, session.user, 0.1, "a flood of BEATs", now);
    return false;
  }
  if (connection.queries.take(1, kQueries, now)) return true;
  complain(session, ErrorCode::limit, "query rate limit exceeded: ask again in a second", {},
           query->token);
  offend(session.peer, session.user, 0.1, "a flood of queries", now);
  return false;
}

bool Core::tolerates_stale(PeerId peer, const std::string& user, Time now) {
  if (!connections_.of(peer).stale.take(1, kStaleOfOne, now)) {
    offend(peer, user, 0.1, "a flood of messages of old sessions", now);
    return false;
  }
  Standing* standing = standing_of(user);
  if (!standing || standing->stale.take(1, kStale, now)) return true;
  ++counters_.offences;
  strike(peer, user, 0.1, "a flood of messages of old sessions", now);
  return false;
}

void Core::count_refusal(const Session& session, Time now) {
  Standing* standing = standing_of(session.user);
  if (standing && !standing->refusals.take(1, kRefusals, now))
    offend(session.peer, session.user, 1, "submissions that are refused, again and again", now);
}

}  // namespace quern::broker
