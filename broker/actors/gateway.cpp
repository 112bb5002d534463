#include "broker/actors/gateway.hpp"

#include <algorithm>

#include "link/connection.hpp"
#include "runtime/log.hpp"

namespace quern::broker {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// Messages read before the core acts: bounds the time until an answer under load, and the memory of a round.
constexpr int kRound = 1000;
// A peer that leaves this many messages unread has been given more than its credits: it is not reading.
constexpr int kUnreadMax = 100'000;
// A loop that was away longer than this was suspended or starved; the peers are not to blame for the silence.
constexpr milliseconds kGap{500};
// How long an orderly stop waits for the store.
constexpr milliseconds kStopWait{5000};

runtime::Socket make_router(zmq::context_t& context) {
  runtime::SocketOptions options;
  options.part_bytes_max = wire::kPartBytesMax;
  options.high_water_mark = kUnreadMax;
  return runtime::Socket::router(context, options);
}

}  // namespace

Gateway::Gateway(zmq::context_t& context, const std::vector<std::string>& endpoints, Config config)
    : router_(make_router(context)), core_(std::move(config)) {
  for (const auto& endpoint : endpoints) bound_.push_back(router_.bind(endpoint));
}

void Gateway::use_store(std::unique_ptr<Store> store, Recovered&& recovered) {
  Effects effects;
  store_ = std::make_unique<StoreActor>(std::move(store), store_events_);
  core_.recover(std::move(recovered), Clock::now(), effects);
  carry_out(effects, Clock::now());
}

void Gateway::run(int stop_fd) {
  runtime::Poller poller;
  poller.add(router_);
  poller.add(stop_fd);
  poller.add(store_events_.fd());
  Effects effects;
  bool more = false;
  for (;;) {
    const auto before = Clock::now();
    milliseconds timeout{-1};
    if (more) {
      timeout = milliseconds{0};
    } else if (auto deadline = core_.next_deadline()) {
      // Rounded up: waking a moment early would only mean to wait again.
      timeout = std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(*deadline - before));
    }
    poller.wait(timeout);
    if (poller.readable(1)) break;
    const auto now = Clock::now();
    if (timeout.count() >= 0 && now - before > timeout + kGap) core_.on_gap(now - before - timeout);
    if (poller.readable(2)) read_store(now, effects);
    more = read_all(now, effects);
    core_.settle(now, effects);
    carry_out(effects, now);
    forget_strangers();
  }
  stop(effects);
}

/// What was taken in is committed and acknowledged first, within a bound; then everybody is told.
void Gateway::stop(Effects& effects) {
  runtime::Poller poller;
  poller.add(store_events_.fd());
  const auto until = Clock::now() + kStopWait;
  while (store_ && !core_.all_committed() && Clock::now() < until) {
    core_.settle(Clock::now(), effects);
    carry_out(effects, Clock::now());
    poller.wait(milliseconds{100});
    read_store(Clock::now(), effects);
    carry_out(effects, Clock::now());
  }
  core_.on_stop(effects);
  carry_out(effects, Clock::now());
}

void Gateway::read_store(wire::Time now, Effects& effects) {
  std::vector<StoreEvent> events;
  store_events_.drain(events);
  for (StoreEvent& event : events) {
    if (const auto* committed = std::get_if<Committed>(&event)) core_.on_committed(committed->ticket, now, effects);
    else if (auto* loaded = std::get_if<Loaded>(&event)) core_.on_loaded(loaded->job, loaded->tasks, std::move(loaded->batch));
    else if (const auto* failed = std::get_if<LoadFailed>(&event)) core_.on_load_failed(failed->job, failed->tasks, failed->text, effects);
    else if (auto* result = std::get_if<ResultLoaded>(&event)) core_.on_result_loaded(result->job, result->seq, std::move(result->batch));
    else if (const auto* lost = std::get_if<ResultLoadFailed>(&event)) core_.on_result_load_failed(lost->job, lost->seq, lost->text, effects);
    else if (const auto* trouble = std::get_if<StoreTrouble>(&event)) core_.on_store_trouble(trouble->text, now, effects);
    else core_.on_store_healthy(effects);
  }
}

bool Gateway::read_all(wire::Time now, Effects& effects) {
  for (int n = 0; n < kRound; ++n) {
    auto parts = router_.receive(wire::kPartsMax + 1);
    if (!parts) return false;
    read_one(std::move(*parts), now, effects);
  }
  return true;
}

void Gateway::read_one(runtime::Parts&& parts, wire::Time now, Effects& effects) {
  const PeerId peer = peer_of(parts.front().view);
  parts.erase(parts.begin());
  auto decoded = wire::decode(link::frames_of(std::move(parts)));
  if (auto* error = std::get_if<wire::DecodeError>(&decoded)) core_.on_malformed(peer, error->text, effects);
  else core_.on_message(peer, "anonymous", std::move(std::get<wire::Envelope>(decoded)), now, effects);
  if (!core_.knows(peer)) strangers_.push_back(peer);
}

void Gateway::carry_out(Effects& effects, wire::Time now) {
  for (auto& effect : effects) {
    if (auto* note = std::get_if<Note>(&effect)) {
      if (note->level == Note::Level::warning) runtime::log_warning(note->text);
      else runtime::log_info(note->text);
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
    if (std::holds_alternative<Audit>(effect) || std::holds_alternative<AskEnrol>(effect)) continue;
    auto& send = std::get<Send>(effect);
    auto route = routes_.find(send.peer);
    if (route == routes_.end()) continue;  // its session ended in this round
    const auto frames = wire::encode({send.session, std::move(send.message)});
    switch (router_.send(route->second, link::parts_of(frames))) {
      case runtime::SendResult::sent: break;
      case runtime::SendResult::unreachable: core_.on_unreachable(send.peer); break;
      case runtime::SendResult::full:
        runtime::log_warning("a peer does not read: its session ends");
        core_.on_blocked(send.peer, now);
        strangers_.push_back(send.peer);
        break;
    }
  }
  effects.clear();
}

PeerId Gateway::peer_of(std::string_view routing_id) {
  auto [it, fresh] = peers_.try_emplace(std::string(routing_id), PeerId{});
  if (fresh) {
    it->second = PeerId{++last_peer_};
    routes_.emplace(it->second, it->first);
  }
  return it->second;
}

void Gateway::forget_strangers() {
  for (PeerId peer : strangers_) {
    if (core_.knows(peer)) continue;
    if (auto it = routes_.find(peer); it != routes_.end()) {
      peers_.erase(it->second);
      routes_.erase(it);
    }
  }
  strangers_.clear();
}

}  // namespace quern::broker
