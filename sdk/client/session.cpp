#include "client/session.hpp"

#include <algorithm>

namespace quern::client {
namespace {

using namespace std::chrono_literals;

// If HELLO is not answered within 3 s, a new socket is opened, because the old one may be stuck on
// a host that is unreachable.
constexpr Duration kPatience = 3s;
// After a session that lasted this long, the next attempt is made at once.
constexpr Duration kLasting = 1s;
constexpr Duration kPauseFirst = 100ms;
constexpr Duration kPauseLongest = 5s;
// A tick that is this late means that this process was suspended, so messages from the broker may
// not have been read yet.
constexpr Duration kGap = 500ms;

}  // namespace

void Session::on_opened(Time now) { state_ = Connecting{now + kPatience}; }

void Session::on_welcome(wire::SessionId id, const wire::Welcome& welcome, Time now) {
  Open open;
  open.id = id;
  open.since = open.heard = open.sent = open.heartbeat = now;
  open.heartbeat_busy = std::chrono::milliseconds(std::max(welcome.beat_busy_ms, 1u));
  open.heartbeat_idle = std::chrono::milliseconds(std::max(welcome.beat_idle_ms, 1u));
  open.lost_busy = std::chrono::milliseconds(std::max(welcome.lost_busy_ms, 1u));
  open.lost_idle = std::chrono::milliseconds(std::max(welcome.lost_idle_ms, 1u));
  open.due = Time::max();
  state_ = open;
  incarnation_ = welcome.incarnation;
  has_store_ = welcome.store;
  welcomed_ = true;
}

void Session::on_heard(Time now) {
  if (auto* open = std::get_if<Open>(&state_)) open->heard = now;
}

void Session::on_sent(Time now) {
  if (auto* open = std::get_if<Open>(&state_)) open->sent = now;
}

void Session::lose(Time now) {
  const auto* open = std::get_if<Open>(&state_);
  if (open && now - open->since >= kLasting) {
    failures_ = 0;
    state_ = Pausing{now};
  } else {
    state_ = Pausing{now + pause()};
  }
}

void Session::refuse(Failure why, Time now) { state_ = Refused{std::move(why), now + pause()}; }

void Session::want(Time now) {
  const auto* refused = std::get_if<Refused>(&state_);
  if (refused && now >= refused->until) state_ = Pausing{now};
}

Duration Session::pause() {
  const Duration pause = std::min(kPauseLongest, kPauseFirst * (1u << std::min(failures_, 6u)));
  ++failures_;
  return pause;
}

Time Session::next_heartbeat(const Open& open, bool busy) {
  const Duration every = busy ? open.heartbeat_busy : open.heartbeat_idle;
  return std::min(open.sent, std::max(open.heard, open.heartbeat)) + every;
}

Time Session::lost_at(const Open& open, bool busy) {
  return open.heard + (busy ? open.lost_busy : open.lost_idle);
}

Session::Action Session::tick(Time now, bool busy) {
  if (const auto* connecting = std::get_if<Connecting>(&state_)) {
    return now >= connecting->until ? Action::reopen : Action::none;
  }
  if (const auto* pausing = std::get_if<Pausing>(&state_))
    return now >= pausing->until ? Action::reopen : Action::none;
  auto* open = std::get_if<Open>(&state_);
  if (!open) return Action::none;

  // Silence is measured only from when it matters: after our own suspension, and from the first job
  // on.
  const bool stopped = open->due != Time::max() && now > open->due + kGap;
  if (stopped || (busy && !open->busy)) open->heard = std::max(open->heard, now);
  open->busy = busy;

  Action action = Action::none;
  if (now >= lost_at(*open, busy)) {
    lose(now);
    return tick(now, busy);
  }
  if (now >= next_heartbeat(*open, busy)) {
    open->heartbeat = open->sent = now;
    action = Action::heartbeat;
  }
  open->due = std::min(next_heartbeat(*open, busy), lost_at(*open, busy));
  return action;
}

std::optional<Time> Session::deadline(bool busy) const {
  if (const auto* connecting = std::get_if<Connecting>(&state_)) return connecting->until;
  if (const auto* pausing = std::get_if<Pausing>(&state_)) return pausing->until;
  if (const auto* open = std::get_if<Open>(&state_))
    return std::min(next_heartbeat(*open, busy), lost_at(*open, busy));
  return std::nullopt;
}

const Failure* Session::refusal() const {
  const auto* refused = std::get_if<Refused>(&state_);
  return refused ? &refused->why : nullptr;
}

wire::SessionId Session::id() const {
  const auto* open = std::get_if<Open>(&state_);
  return open ? open->id : wire::SessionId{};
}

}  // namespace quern::client
