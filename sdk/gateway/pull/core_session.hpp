// The session with the broker: its state and its deadlines. It decides nothing about leases.
#pragma once

#include <algorithm>
#include <optional>
#include <variant>

#include "gateway/pull/core_types.hpp"

namespace quern::gateway::pull {

class BrokerSession {
 public:
  /// What is due at a tick.
  enum class Due { nothing, reopen, heartbeat, lost };

  bool is_open() const { return std::holds_alternative<Open>(state_); }
  bool is_greeting() const { return std::holds_alternative<Greeting>(state_); }
  bool is_connecting() const { return std::holds_alternative<Connecting>(state_); }
  bool is_waiting() const { return std::holds_alternative<Waiting>(state_); }
  bool is_over() const { return std::holds_alternative<Over>(state_); }
  /// Of the open session.
  wire::SessionId id() const { return std::get<Open>(state_).id; }
  std::uint64_t report_window() const { return report_window_; }

  void on_opened() { state_ = Connecting{}; }
  void on_greeted(Time now) { state_ = Greeting{now}; }
  void on_welcome(wire::SessionId id, const wire::Welcome& welcome, Time now) {
    // Bounds what a broker may ask for: heartbeats must not be a flood, and silence must be longer
    // than the interval between them.
    heartbeat_ = std::max(milliseconds(20), milliseconds(welcome.beat_busy_ms));
    lost_ = std::max(2 * heartbeat_, milliseconds(welcome.lost_busy_ms));
    report_window_ = welcome.report_window;
    backoff_ = kBackoffFirst;
    state_ = Open{id, now, now};
  }
  void on_heard(Time now) {
    if (auto* open = std::get_if<Open>(&state_)) open->heard = now;
  }
  void on_heartbeat_sent(Time now) {
    if (auto* open = std::get_if<Open>(&state_)) open->heartbeat = now;
  }
  /// A new socket after the back-off.
  void on_lost(Time now) {
    state_ = Waiting{now + backoff_};
    backoff_ = std::min(2 * backoff_, kBackoffMost);
  }
  void on_finished() { state_ = Over{}; }
  /// This process was suspended: the broker's silence in that time means nothing.
  void on_gap(Duration gap, Time now) {
    if (auto* open = std::get_if<Open>(&state_)) open->heard = std::min(open->heard + gap, now);
    if (auto* greeting = std::get_if<Greeting>(&state_))
      greeting->since = std::min(greeting->since + gap, now);
  }

  Due due(Time now) const {
    const auto at = deadline();
    if (!at || now < *at) return Due::nothing;
    if (is_waiting()) return Due::reopen;
    if (const auto* open = std::get_if<Open>(&state_); open && now < open->heard + lost_)
      return Due::heartbeat;
    return Due::lost;
  }
  std::optional<Time> deadline() const {
    if (const auto* waiting = std::get_if<Waiting>(&state_)) return waiting->until;
    if (const auto* greeting = std::get_if<Greeting>(&state_)) return greeting->since + kWelcome;
    if (const auto* open = std::get_if<Open>(&state_))
      return std::min(open->heard + lost_, open->heartbeat + heartbeat_);
    return std::nullopt;
  }

 private:
  static constexpr milliseconds kBackoffFirst{100}, kBackoffMost{2000};
  static constexpr milliseconds kWelcome{5000};  ///< for the answer to HELLO

  /// No socket; a new one is opened at `until`.
  struct Waiting {
    Time until;
  };
  struct Connecting {};
  /// HELLO was sent.
  struct Greeting {
    Time since;
  };
  struct Open {
    wire::SessionId id{};
    Time heard;
    Time heartbeat;
  };
  struct Over {};

  std::variant<Waiting, Connecting, Greeting, Open, Over> state_ = Waiting{Time::min()};
  milliseconds backoff_ = kBackoffFirst;
  milliseconds heartbeat_{1000};
  milliseconds lost_{3000};
  std::uint64_t report_window_ = wire::kReportWindow;
};

}  // namespace quern::gateway::pull
