// What happens to peers that flood, forge or send garbage (conduct.hpp says how much is tolerated).
#include "broker/core/core.hpp"

namespace quern::broker {

Standing* Core::standing_of(const std::string& user) {
  // Without keys nobody can be told from anybody: only connections are limited then.
  return config_.open ? nullptr : &standings_[user];
}

bool Core::ignores(const std::string& user, Time now) {
  if (config_.open || standings_.empty()) return false;
  const auto it = standings_.find(user);
  if (it == standings_.end() || !it->second.ignored(now)) return false;
  ++counters_.ignored;
  return true;
}

void Core::on_ignored(PeerId peer, const std::string& user, const wire::Message& message, Time now, Effects& effects) {
  Standing& standing = standings_.at(user);
  if (!std::holds_alternative<wire::Hello>(message) || !standing.told.take(1, kTold, now)) return;
  const auto left = std::chrono::ceil<std::chrono::seconds>(standing.ignored_until - now);
  effects.push_back(Send{peer, {}, wire::Refused{ErrorCode::limit, "the broker does not listen to this key for another " +
                                                                      std::to_string(left.count()) + " s: it saw " + standing.why}});
}

void Core::offend(PeerId peer, const std::string& user, double weight, const std::string& what, Time now, Effects& effects) {
  ++counters_.offences;
  Standing* standing = standing_of(user);
  if (!standing || standing->offences.take(weight, kOffences, now)) return;
  const auto time = standing->punish(now);
  standing->why = what;
  const Principal* principal = principal_of(user);
  const std::string name = principal ? principal->name : user;
  const std::string reason = "not listened to for " + std::to_string(time.count()) + " s: " + what;
  effects.push_back(Note{Note::Level::warning, name + " is " + reason});
  record(peer, name, "limit", name, false, reason, effects);
}

bool Core::tolerates_hello(PeerId peer, const std::string& user, Time now, Effects& effects) {
  if (Session* before = sessions_.of_peer(peer); before && !before->hellos.take(1, kHellos, now)) {
    offend(peer, user, 1, "a flood of HELLOs", now, effects);
    return false;
  }
  if (Standing* standing = standing_of(user); standing && !standing->joins.take(1, kJoins, now)) {
    offend(peer, user, 1, "a flood of HELLOs", now, effects);
    return false;
  }
  return true;
}

bool Core::tolerates(Session& session, const wire::Message& message, Time now, Effects& effects) {
  if (std::holds_alternative<wire::Beat>(message) && !session.beats.take(1, kBeats, now)) {
    offend(session.peer, session.user, 0.1, "a flood of BEATs", now, effects);
    return false;
  }
  if (std::holds_alternative<wire::Query>(message) && !session.queries.take(1, kQueries, now)) {
    offend(session.peer, session.user, 0.1, "a flood of queries", now, effects);
    return false;
  }
  return true;
}

bool Core::tolerates_stale(PeerId peer, const std::string& user, Time now, Effects& effects) {
  Standing* standing = standing_of(user);
  if (!standing || standing->stale.take(1, kStale, now)) return true;
  offend(peer, user, 0.1, "a flood of messages of old sessions", now, effects);
  return false;
}

void Core::count_refusal(const Session& session, Time now, Effects& effects) {
  Standing* standing = standing_of(session.user);
  if (standing && !standing->refusals.take(1, kRefusals, now))
    offend(session.peer, session.user, 1, "submissions that are refused, again and again", now, effects);
}

}  // namespace quern::broker
