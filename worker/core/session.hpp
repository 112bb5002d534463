// The worker's session with the broker: its state and its deadlines. It decides nothing about
// leases; it is only told whether there are any, because a busy worker sends heartbeats more often.
#pragma once

#include <optional>
#include <variant>

#include "wire/messages.hpp"
#include "wire/time.hpp"
#include "worker/core/backoff.hpp"
#include "worker/core/config.hpp"

namespace quern::worker {

using wire::Time;

/// No socket; a new one is opened at `until`.
struct Waiting {
  Time until = Time::min();
};
/// A socket that tries to connect, for as long as it takes.
struct Connecting {};
/// Connected; HELLO was sent.
struct Greeting {
  Time since;
};
/// WELCOME was received. `heard`: time of the last message from the broker; `heartbeat_sent`: time
/// of our last heartbeat.
struct Open {
  wire::SessionId id{};
  Time heard;
  Time heartbeat_sent;
};
/// The worker has finished; no more sessions.
struct Over {};

class Session {
 public:
  using State = std::variant<Waiting, Connecting, Greeting, Open, Over>;
  /// What is due at a tick.
  enum class Due { nothing, reopen, heartbeat, lost };

  explicit Session(const Config& config)
      : backoff_(config.backoff_first, config.backoff_most), welcome_wait_(config.welcome_wait) {}

  void on_opened() { state_ = Connecting{}; }
  void on_greeted(Time now) { state_ = Greeting{now}; }
  void on_welcome(wire::SessionId id, const wire::Welcome& welcome, Time now);
  void on_heard(Time now);
  void on_heartbeat_sent(Time now);
  /// The session or the attempt is over; a new socket after the back-off.
  void on_lost(Time now) { state_ = Waiting{now + backoff_.next()}; }
  void on_finished() { state_ = Over{}; }
  /// This process was suspended for that long (stopped, swapped out): the broker's silence in that
  /// time means nothing.
  void on_gap(wire::Duration gap, Time now);

  Due due(Time now, bool busy) const;
  std::optional<Time> deadline(bool busy) const;

  const State& state() const { return state_; }
  bool is_open() const { return std::holds_alternative<Open>(state_); }
  bool is_over() const { return std::holds_alternative<Over>(state_); }
  wire::SessionId id() const { return std::get<Open>(state_).id; }
  std::uint64_t report_window() const { return report_window_; }

 private:
  wire::Duration heartbeat(bool busy) const { return busy ? heartbeat_busy_ : heartbeat_idle_; }
  wire::Duration lost(bool busy) const { return busy ? lost_busy_ : lost_idle_; }

  State state_ = Waiting{};
  Backoff backoff_;
  milliseconds welcome_wait_;
  // From the last WELCOME.
  milliseconds heartbeat_busy_{1000};
  milliseconds heartbeat_idle_{5000};
  milliseconds lost_busy_{3000};
  milliseconds lost_idle_{15000};
  std::uint64_t report_window_ = wire::kReportWindow;
};

}  // namespace quern::worker
