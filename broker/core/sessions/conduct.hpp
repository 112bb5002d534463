// Rate limits and penalties. The limits (standing.hpp) are far above what an honest peer needs. A
// connection that exceeds them is blocked; a principal whose connections are blocked repeatedly
// gets a penalty.
//
// Owns the record of how connections and principals have behaved. It ends no session itself: after
// each message, Core asks which sessions have to end.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "broker/core/access/access_control.hpp"
#include "broker/core/base/context.hpp"
#include "broker/core/sessions/connections.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/sessions/session.hpp"
#include "broker/core/sessions/standing.hpp"

namespace quern::broker {

class Conduct {
 public:
  Conduct(Context& context, AccessControl& access, Sessions& sessions, Outbox& outbox)
      : context_(context), access_(access), sessions_(sessions), outbox_(outbox) {}

  /// Whether this connection is blocked, or its principal has a penalty: then its messages (except
  /// for an occasional HELLO) need not be decoded. Counts them.
  bool ignores(PeerId peer, const std::string& user, Time now);
  /// Such a message has arrived: now and then, a HELLO is answered with the reason.
  void on_ignored(PeerId peer, const std::string& user, const wire::Message& message, Time now);

  /// The peer did something that no honest peer does. `weight`: how serious it is; 1 is a forged
  /// message.
  void offend(PeerId peer, const std::string& user, double weight, const std::string& what,
              Time now);
  /// Does the same for an offence so serious that the session has to end.
  void misbehaved(Session& session, ErrorCode code, std::string text, Time now);

  /// Whether a message is within the limit of its kind. Counts the message; one beyond the limit is
  /// an offence.
  bool tolerates_hello(PeerId peer, const std::string& user, Time now);
  bool tolerates(Session& session, const wire::Message& message, Time now);
  bool tolerates_stale(PeerId peer, const std::string& user, Time now);
  /// A submission was refused: a client may try again, but not endlessly.
  void count_refusal(const Session& session, Time now);

  /// Ignores all further messages of this connection.
  void block(PeerId peer) { connections_.of(peer).blocked = true; }
  bool is_blocked(PeerId peer) const { return connections_.blocked(peer); }
  /// Whether the behaviour of this connection is remembered.
  bool remembers(PeerId peer) const { return connections_.knows(peer); }
  /// Connections whose behaviour has been forgotten since the last call.
  std::vector<PeerId> take_forgotten() { return connections_.take_forgotten(); }

  /// Sessions that have misbehaved and connections that have been blocked since the last call: they
  /// have to end now.
  bool has_ended_any() const { return !ended_.empty() || !blocked_.empty(); }
  std::vector<wire::SessionId> take_ended() { return std::exchange(ended_, {}); }
  std::vector<PeerId> take_blocked() { return std::exchange(blocked_, {}); }

 private:
  /// How this principal has behaved; nullptr: without keys, principals cannot be distinguished.
  Standing* standing_of(const std::string& user);
  void penalise(PeerId peer, const std::string& user, double weight, const std::string& what,
                Time now);

  Context& context_;
  AccessControl& access_;
  Sessions& sessions_;
  Outbox& outbox_;
  std::unordered_map<std::string, Standing>
      standings_;  ///< by user; unknown keys are few (they need an open invitation)
  Connections connections_;
  std::vector<PeerId> blocked_;         ///< while handling the current message
  std::vector<wire::SessionId> ended_;  ///< while handling the current message
};

}  // namespace quern::broker
