#include "worker/core/session.hpp"

#include <algorithm>

namespace quern::worker {

void Session::on_welcome(wire::SessionId id, const wire::Welcome& welcome, Time now) {
  // Bounds the intervals that a broker requests: heartbeats must not be a flood, and silence must
  // be longer than a heartbeat interval.
  constexpr milliseconds kLeast{20};
  heartbeat_busy_ = std::max(kLeast, milliseconds(welcome.beat_busy_ms));
  heartbeat_idle_ = std::max(kLeast, milliseconds(welcome.beat_idle_ms));
  lost_busy_ = std::max(2 * heartbeat_busy_, milliseconds(welcome.lost_busy_ms));
  lost_idle_ = std::max(2 * heartbeat_idle_, milliseconds(welcome.lost_idle_ms));
  report_window_ = welcome.report_window;
  backoff_.reset();
  state_ = Open{id, now, now};
}

void Session::on_heard(Time now) {
  if (auto* open = std::get_if<Open>(&state_)) open->heard = now;
}

void Session::on_heartbeat_sent(Time now) {
  if (auto* open = std::get_if<Open>(&state_)) open->heartbeat_sent = now;
}

void Session::on_gap(wire::Duration gap, Time now) {
  if (auto* open = std::get_if<Open>(&state_)) open->heard = std::min(open->heard + gap, now);
  if (auto* greeting = std::get_if<Greeting>(&state_))
    greeting->since = std::min(greeting->since + gap, now);
}

Session::Due Session::due(Time now, bool busy) const {
  if (const auto* waiting = std::get_if<Waiting>(&state_))
    return now >= waiting->until ? Due::reopen : Due::nothing;
  if (const auto* greeting = std::get_if<Greeting>(&state_))
    return now >= greeting->since + welcome_wait_ ? Due::lost : Due::nothing;
  if (const auto* open = std::get_if<Open>(&state_)) {
    if (now >= open->heard + lost(busy)) return Due::lost;
    if (now >= open->heartbeat_sent + heartbeat(busy)) return Due::heartbeat;
  }
  return Due::nothing;
}

std::optional<Time> Session::deadline(bool busy) const {
  if (const auto* waiting = std::get_if<Waiting>(&state_)) return waiting->until;
  if (const auto* greeting = std::get_if<Greeting>(&state_)) return greeting->since + welcome_wait_;
  if (const auto* open = std::get_if<Open>(&state_))
    return std::min(open->heard + lost(busy), open->heartbeat_sent + heartbeat(busy));
  return std::nullopt;
}

}  // namespace quern::worker
