// Rate limits and penalties. What is tolerated (standing.hpp) is far above what an honest peer
// needs. Beyond it a connection is blocked; a principal whose connections are blocked again and
// again gets a penalty.
//
// It owns how connections and principals have behaved. It ends no session itself: Core asks for
// those that have to end after each message.
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

  /// Whether this connection is blocked, or its principal has a penalty: then its messages (but a
  /// HELLO now and then) need not be decoded. Counts them.
  bool ignores(PeerId peer, const std::string& user, Time now);
  /// Such a message has come: a HELLO is told the reason, now and then.
  void on_ignored(PeerId peer, const std::string& user, const wire::Message& message, Time now);

  /// The peer did what no honest peer does. `weight`: how bad that is; 1 is a forged message.
  void offend(PeerId peer, const std::string& user, double weight, const std::string& what,
              Time now);
  /// The same, so bad that the session has to end.
  void misbehaved(Session& session, ErrorCode code, std::string text, Time now);

  /// Whether a message is within the limits of its kind; counts it, and what is beyond is an
  /// offence.
  bool tolerates_hello(PeerId peer, const std::string& user, Time now);
  bool tolerates(Session& session, const wire::Message& message, Time now);
  bool tolerates_stale(PeerId peer, const std::string& user, Time now);
  /// A submission was refused: a client may try again, but not without end.
  void count_refusal(const Session& session, Time now);

  /// Nothing of this connection is heard any more.
  void block(PeerId peer) { connections_.of(peer).blocked = true; }
  bool is_blocked(PeerId peer) const { return connections_.blocked(peer); }
  /// Whether how this connection behaved is remembered.
  bool remembers(PeerId peer) const { return connections_.knows(peer); }
  /// Connections whose conduct was forgotten since the last call.
  std::vector<PeerId> take_forgotten() { return connections_.take_forgotten(); }

  /// Sessions that misbehaved, and connections that were blocked, since the last call: they have to
  /// end now.
  bool has_ended_any() const { return !ended_.empty() || !blocked_.empty(); }
  std::vector<wire::SessionId> take_ended() { return std::exchange(ended_, {}); }
  std::vector<PeerId> take_blocked() { return std::exchange(blocked_, {}); }

 private:
  /// How this principal has behaved; nullptr: without keys nobody can be told from anybody.
  Standing* standing_of(const std::string& user);
  void penalise(PeerId peer, const std::string& user, double weight, const std::string& what,
                Time now);

  Context& context_;
  AccessControl& access_;
  Sessions& sessions_;
  Outbox& outbox_;
  std::unordered_map<std::string, Standing>
      standings_;  ///< by user; unknown keys are few (an invitation must be open)
  Connections connections_;
  std::vector<PeerId> blocked_;         ///< with the message that is being handled
  std::vector<wire::SessionId> ended_;  ///< the same
};

}  // namespace quern::broker
