// The state of the client's connection to its broker: connecting, open, waiting before the next
// attempt, refused. Pure: the core reports events with their time, and this class decides when to
// send a heartbeat and when to open a new socket.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "client/effects.hpp"
#include "wire/time.hpp"

namespace quern::client {

using wire::Duration;
using wire::Time;

class Session {
 public:
  /// What tick() requests.
  enum class Action { none, reopen, heartbeat };

  /// A new socket was requested and HELLO has been sent.
  void on_opened(Time now);
  void on_welcome(wire::SessionId id, const wire::Welcome& welcome, Time now);
  /// Any message of the broker is a sign of life.
  void on_heard(Time now);
  void on_sent(Time now);
  /// The session is over (HELLO_AGAIN, BYE, a fatal error, a lost connection, silence): reconnects,
  /// at once if the session had lasted long enough, else after a growing pause.
  void lose(Time now);
  void refuse(Failure why, Time now);
  /// A command arrived: a refusal may be temporary, so connect again when its pause is over.
  void want(Time now);
  void close() { state_ = Closed{}; }

  /// `busy`: some job is unfinished. Call after everything that arrived was read.
  Action tick(Time now, bool busy);
  std::optional<Time> deadline(bool busy) const;

  bool is_open() const { return std::holds_alternative<Open>(state_); }
  bool is_connecting() const { return std::holds_alternative<Connecting>(state_); }
  /// The broker's reason, while the refusal lasts.
  const Failure* refusal() const;
  wire::SessionId id() const;
  std::uint64_t incarnation() const { return incarnation_; }
  /// Whether jobs of automatic durability are durable there.
  bool has_store() const { return has_store_; }
  bool was_welcome() const { return welcomed_; }

 private:
  struct Closed {};
  struct Connecting {
    Time until;  // if HELLO is not answered by then: a new socket
  };
  struct Pausing {
    Time until;
  };
  struct Open {
    wire::SessionId id{};
    Time since;
    Time heard;  // silence is measured from here
    Time sent;
    Time heartbeat;  // last heartbeat that requested an answer
    Duration heartbeat_busy{}, heartbeat_idle{}, lost_busy{}, lost_idle{};
    bool busy = false;  // as of the last tick
    Time due;           // when the last tick wanted the next one at the latest
  };
  struct Refused {
    Failure why;
    Time until;
  };

  static Time next_heartbeat(const Open& open, bool busy);
  static Time lost_at(const Open& open, bool busy);
  Duration pause();

  std::variant<Closed, Connecting, Pausing, Open, Refused> state_;
  std::uint64_t incarnation_ = 0;
  bool has_store_ = false;
  unsigned failures_ = 0;  // consecutive attempts without a lasting session
  bool welcomed_ = false;
};

}  // namespace quern::client
