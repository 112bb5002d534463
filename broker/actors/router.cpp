#include "broker/actors/router.hpp"

#include <algorithm>
#include <utility>

#include "keys/grant.hpp"
#include "link/connection.hpp"
#include "runtime/log.hpp"

namespace quern::broker {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// Messages read before the core acts: bounds the time until an answer under load, and the memory of
// a round.
constexpr int kRound = 1000;
// Credits keep peers far below this number of unread messages, so a peer that reaches it is not
// reading.
constexpr int kUnreadMax = 100'000;
// After a longer gap, this process was suspended or starved, and the silence is not the fault of
// the peers.
constexpr milliseconds kGap{500};
// Backlog of connections, large enough for a rack of machines that reconnect together.
constexpr int kBacklog = 4096;
// Acknowledgements wait this long for a message to the same peer on which they are piggybacked. A
// separate one wakes two threads of its peer, which on a busy machine adds a third to the round
// trip of a single task.
constexpr milliseconds kAcknowledge{1};
// Messages of unknown keys that are processed per address; joining needs one.
constexpr Allowance kStrangers{50, 10};
constexpr std::size_t kStrangerAddressesMax = 10'000;
// Minimum interval between warnings about ignored messages.
constexpr std::chrono::seconds kPassedByTold{10};
// The wall clock is adjusted all the time; the core is told of more than this.
constexpr milliseconds kClockStep{20};
// How long an orderly stop waits for the store.
constexpr milliseconds kStoreStopWait{5000};

runtime::Socket make_socket(zmq::context_t& context,
                            const std::optional<runtime::CurveServer>& curve) {
  runtime::SocketOptions options;
  options.part_bytes_max = wire::kPartBytesMax;
  options.high_water_mark = kUnreadMax;
  options.backlog = kBacklog;
  options.curve_server = curve;
  return runtime::Socket::router(context, options);
}

}  // namespace

Router::Router(zmq::context_t& context, const std::vector<std::string>& endpoints, Config config,
               Guard& guard)
    : guard_(guard), socket_(make_socket(context, guard.curve())), core_(std::move(config)) {
  look_at_clock(Clock::now());
  read_guard(Clock::now());  // the rights are known before any message is processed
  carry_out(Clock::now());
  for (const auto& endpoint : endpoints) {
    bound_.push_back(socket_.bind(endpoint));
    guard_.record({{}, "broker", {}, "start", bound_.back(), "allow", {}});
  }
}

void Router::look_at_clock(wire::Time now) {
  const auto wall =
      std::chrono::floor<milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  const auto offset = wall - std::chrono::floor<milliseconds>(now.time_since_epoch());
  if (wall_offset_ && std::chrono::abs(offset - *wall_offset_) <= kClockStep) return;
  wall_offset_ = offset;
  core_.on_wall_clock(wall.count(), now);
}

void Router::use_store(std::unique_ptr<Store> store, Recovered&& recovered) {
  look_at_clock(Clock::now());
  store_ = std::make_unique<StoreActor>(std::move(store), store_events_);
  core_.recover(std::move(recovered), Clock::now());
  carry_out(Clock::now());
}

void Router::run(int stop_fd) {
  runtime::Poller poller;
  poller.add(socket_);
  poller.add(stop_fd);
  poller.add(store_events_.fd());
  poller.add(guard_.events().fd());
  bool more = false;
  for (;;) {
    const auto before = Clock::now();
    milliseconds timeout{-1};
    if (more) {
      timeout = milliseconds{0};
    } else if (auto deadline = next_deadline()) {
      // Rounded up, because waking early would only mean waiting again.
      timeout = std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(*deadline - before));
    }
    poller.wait(timeout);
    if (poller.readable(1)) break;
    const auto now = Clock::now();
    if (timeout.count() >= 0 && now - before > timeout + kGap) core_.on_gap(now - before - timeout);
    if (poller.readable(2)) read_store(now);
    if (poller.readable(3)) read_guard(now);
    look_at_clock(now);
    more = read_all(now);
    core_.settle(now);
    carry_out(now);
    send_waiting(now, now);
    forget_strangers();
  }
  stop();
}

std::optional<wire::Time> Router::next_deadline() {
  const auto core = core_.next_deadline(), waiting = waiting_until();
  return core && waiting ? std::min(*core, *waiting) : core ? core : waiting;
}

/// First commits and acknowledges what was accepted, within a time limit; then sends BYE to all
/// peers.
void Router::stop() {
  runtime::Poller poller;
  poller.add(store_events_.fd());
  const auto until = Clock::now() + kStoreStopWait;
  while (store_ && !core_.all_committed() && Clock::now() < until) {
    core_.settle(Clock::now());
    carry_out(Clock::now());
    poller.wait(milliseconds{100});
    read_store(Clock::now());
    carry_out(Clock::now());
  }
  core_.on_stop();
  carry_out(Clock::now());
  send_waiting(wire::Time::max(), Clock::now());
  guard_.record({{}, "broker", {}, "stop", bound_.front(), "allow", {}});
}

void Router::read_guard(wire::Time now) {
  std::vector<GuardEvent> events;
  guard_.events().drain(events);
  for (GuardEvent& event : events) {
    if (auto* keys = std::get_if<KeysChanged>(&event)) {
      core_.on_principals(std::move(keys->principals), keys->invitations_open, now);
      end_misplaced(*keys, now);
    } else if (const auto* enrolled = std::get_if<Enrolled>(&event)) {
      core_.on_enrolled(enrolled->peer, enrolled->key, enrolled->name, enrolled->rights,
                        enrolled->fresh);
      enrolling_.erase(enrolled->peer);
      strangers_.push_back(enrolled->peer);
    } else if (const auto* refused = std::get_if<EnrolRefused>(&event)) {
      core_.on_enrol_refused(refused->peer, refused->key, refused->reason);
      enrolling_.erase(refused->peer);
      strangers_.push_back(refused->peer);
    } else if (const auto* denied = std::get_if<ConnectionDenied>(&event)) {
      runtime::log_warning("rejected the key " + denied->key + " from " + denied->address + ": " +
                           denied->reason);
      guard_.record({{}, denied->key, denied->address, "connect", {}, "deny", denied->reason});
    } else {
      core_.on_audit_trouble(std::get<AuditTrouble>(event).text);
    }
  }
}

void Router::read_store(wire::Time now) {
  std::vector<StoreEvent> events;
  store_events_.drain(events);
  for (StoreEvent& event : events) {
    if (const auto* committed = std::get_if<Committed>(&event))
      core_.on_committed(committed->sequence, now);
    else if (auto* loaded = std::get_if<Loaded>(&event))
      core_.on_loaded(loaded->job, loaded->tasks, std::move(loaded->batch));
    else if (const auto* failed = std::get_if<LoadFailed>(&event))
      core_.on_load_failed(failed->job, failed->tasks, failed->text);
    else if (auto* result = std::get_if<ResultLoaded>(&event))
      core_.on_result_loaded(result->job, result->seq, std::move(result->batch));
    else if (const auto* lost = std::get_if<ResultLoadFailed>(&event))
      core_.on_result_load_failed(lost->job, lost->seq, lost->text);
    else if (const auto* trouble = std::get_if<StoreTrouble>(&event))
      core_.on_store_trouble(trouble->text, now);
    else
      core_.on_store_healthy();
  }
}

bool Router::read_all(wire::Time now) {
  for (int n = 0; n < kRound; ++n) {
    auto parts = socket_.receive(wire::kPartsMax + 1, origin_);
    if (!parts) return false;
    read_one(std::move(*parts), now);
  }
  return true;
}

void Router::read_one(runtime::Parts&& parts, wire::Time now) {
  const PeerId peer = peer_of(parts.front().view);
  parts.erase(parts.begin());
  // Its key may be so new that the message of the auth actor has not been read yet.
  if (guard_.curve() && !core_.knows_key(origin_.user)) read_guard(now);
  if (guard_.curve() && !core_.knows_key(origin_.user) && !hears_stranger(origin_.address, now)) {
    if (!core_.knows(peer)) strangers_.push_back(peer);
    return;
  }
  // A HELLO gets the reason. It is the first message of a connection; the rest of a flood costs
  // nothing more.
  if (core_.ignores(peer, origin_.user, now) && (core_.knows(peer) || !routes_.at(peer).fresh))
    return;
  routes_.at(peer).fresh = false;
  auto decoded = wire::decode(link::frames_of(std::move(parts)), &piggybacked_);
  if (auto* envelope = std::get_if<wire::Envelope>(&decoded)) {
    for (auto& acknowledgement : piggybacked_)
      core_.on_message(peer, origin_.user, {envelope->session, std::move(acknowledgement)}, now);
    core_.on_message(peer, origin_.user, std::move(*envelope), now);
  } else {
    core_.on_malformed(peer, origin_.user, std::get<wire::DecodeError>(decoded), now);
  }
  if (!core_.knows(peer)) strangers_.push_back(peer);
}

bool Router::hears_stranger(const std::string& address, wire::Time now) {
  if (stranger_budgets_.size() > kStrangerAddressesMax) stranger_budgets_.clear();
  if (stranger_budgets_[address].take(1, kStrangers, now)) return true;
  if (now - passed_by_told_ > kPassedByTold) {
    passed_by_told_ = now;
    runtime::log_warning("too many messages of unknown keys from " +
                         (address.empty() ? "this machine" : address) + "; they are ignored");
  }
  return false;
}

void Router::carry_out(wire::Time now) {
  core_.take_effects(effects_);
  for (auto& effect : effects_) {
    if (auto* note = std::get_if<Note>(&effect)) {
      if (note->level == Note::Level::warning)
        runtime::log_warning(note->text);
      else
        runtime::log_info(note->text);
      continue;
    }
    if (auto* commit = std::get_if<Commit>(&effect)) {
      store_->commit(std::move(*commit));
      continue;
    }
    if (const auto* load = std::get_if<LoadResult>(&effect)) {
      store_->load(*load);
      continue;
    }
    if (const auto* load = std::get_if<Load>(&effect)) {
      store_->load(*load);
      continue;
    }
    if (auto* audit = std::get_if<Audit>(&effect))
      act(*audit);
    else if (auto* ask = std::get_if<AskEnrol>(&effect))
      act(*ask);
    else
      act(std::get<Send>(effect), now);
  }
  effects_.clear();
}

void Router::act(Send& send, wire::Time now) {
  const auto route = routes_.find(send.peer);
  if (route == routes_.end()) return;  // its session ended in this round
  Waiting& waiting = route->second.waiting;
  if (!waiting.piggybacked.empty() &&
      (waiting.session != send.session || waiting.piggybacked.size() == wire::kPiggybackedMax))
    flush(send.peer, waiting, now);
  if (!wire::is_acknowledgement(send.message))
    return transmit(send.peer, {send.session, std::move(send.message)},
                    std::exchange(waiting.piggybacked, {}), now);
  if (send.prompt && (waiting.piggybacked.empty() || waiting.until > now)) {
    waiting.until = now;  // at the end of this round, together with the others of the round
    waiting_.emplace_front(send.peer, now);
  } else if (waiting.piggybacked.empty()) {
    waiting.until = now + kAcknowledge;
    waiting_.emplace_back(send.peer, waiting.until);
  }
  waiting.session = send.session;
  waiting.piggybacked.push_back(std::move(send.message));
}

void Router::flush(PeerId peer, Waiting& waiting, wire::Time now) {
  if (waiting.piggybacked.empty()) return;
  wire::Piggybacked piggybacked = std::exchange(waiting.piggybacked, {});
  wire::Message last = std::move(piggybacked.back());
  piggybacked.pop_back();
  transmit(peer, {waiting.session, std::move(last)}, std::move(piggybacked), now);
}

std::optional<wire::Time> Router::waiting_until() {
  for (; !waiting_.empty(); waiting_.pop_front()) {
    const auto& [peer, until] = waiting_.front();
    const auto route = routes_.find(peer);
    if (route != routes_.end() && !route->second.waiting.piggybacked.empty() &&
        route->second.waiting.until == until)
      return until;
  }
  return std::nullopt;
}

void Router::send_waiting(wire::Time until, wire::Time now) {
  for (auto next = waiting_until(); next && *next <= until; next = waiting_until()) {
    const PeerId peer = waiting_.front().first;
    waiting_.pop_front();
    flush(peer, routes_.at(peer).waiting, now);
  }
}

void Router::transmit(PeerId peer, const wire::Envelope& envelope,
                      const wire::Piggybacked& piggybacked, wire::Time now) {
  const auto route = routes_.find(peer);
  if (route == routes_.end()) return;
  const auto frames = wire::encode(envelope, piggybacked);
  switch (socket_.send(route->second.routing_id, link::parts_of(frames))) {
    case runtime::SendResult::sent:
      break;
    case runtime::SendResult::unreachable:
      core_.on_undelivered(peer, envelope.message);
      break;
    case runtime::SendResult::full:
      if (core_.knows(peer))
        runtime::log_warning("a peer does not read its messages; its session ends");
      core_.on_blocked(peer, now);
      strangers_.push_back(peer);
      break;
  }
}

void Router::act(Audit& audit) {
  guard_.record({{},
                 std::move(audit.principal),
                 address_of(audit.peer),
                 std::move(audit.action),
                 std::move(audit.object),
                 audit.allowed ? "allow" : "deny",
                 std::move(audit.reason)});
}

void Router::act(AskEnrol& ask) {
  enrolling_.insert(ask.peer);
  guard_.enrol({ask.peer, std::move(ask.user), std::move(ask.name), std::move(ask.secret),
                address_of(ask.peer)});
}

std::string Router::address_of(PeerId peer) const {
  const auto route = routes_.find(peer);
  return route == routes_.end() ? "" : route->second.address;
}

PeerId Router::peer_of(std::string_view routing_id) {
  auto [it, fresh] = peers_.try_emplace(std::string(routing_id), PeerId{});
  if (fresh) {
    it->second = PeerId{++last_peer_};
    routes_.emplace(it->second, Route{it->first, origin_.address, origin_.user, true, {}});
    return it->second;
  }
  // The same routing id (chosen by the peer) on another connection: the state of the old connection
  // does not apply.
  const Route& known = routes_.at(it->second);
  if (known.user != origin_.user || known.address != origin_.address) {
    core_.on_blocked(it->second, Clock::now());
    routes_.erase(it->second);
    it->second = PeerId{++last_peer_};
    routes_.emplace(it->second, Route{it->first, origin_.address, origin_.user, true, {}});
  }
  return it->second;
}

/// Ends the sessions of peers whose address is no longer allowed for their key.
void Router::end_misplaced(const KeysChanged& keys, wire::Time now) {
  for (const auto& [peer, route] : routes_) {
    const auto places = keys.places.find(route.user);
    if (places != keys.places.end() && !keys::comes_from(places->second, route.address))
      core_.on_moved(peer, now);
  }
}

void Router::forget_strangers() {
  const auto gone = core_.take_gone();
  strangers_.insert(strangers_.end(), gone.begin(), gone.end());
  for (PeerId peer : strangers_) {
    if (core_.knows(peer) || core_.remembers(peer) || enrolling_.contains(peer)) continue;
    if (auto it = routes_.find(peer); it != routes_.end()) {
      peers_.erase(it->second.routing_id);
      routes_.erase(it);
    }
  }
  strangers_.clear();
}

}  // namespace quern::broker
