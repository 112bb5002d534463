#include "sim/world.hpp"

#include <cstdio>
#include <cstdlib>

namespace quern::sim {
namespace {

/// Messages that may arrive twice in life: a peer that got no answer sends them again.
bool may_come_twice(const wire::Message& message) {
  return std::holds_alternative<wire::Report>(message) || std::holds_alternative<wire::Submit>(message) ||
         std::holds_alternative<wire::Append>(message) || std::holds_alternative<wire::Ack>(message) ||
         std::holds_alternative<wire::Cancel>(message) || std::holds_alternative<wire::Reclaimed>(message);
}

}  // namespace

World::World(std::uint64_t seed, broker::Config config) : core(std::move(config)), random_(seed) {}

void World::at(Time when, std::shared_ptr<Actor> actor, std::function<void()> what) {
  events_.push({std::max(when, now_), ++order_, std::move(actor), std::move(what)});
}

Duration World::latency() {
  return std::chrono::duration_cast<Duration>(50us + (faults.latency_most - 50us) * (healed ? 0.1 * uniform() : uniform()));
}

std::shared_ptr<Wire> World::connect() {
  auto wire = std::make_shared<Wire>();
  wire->id = PeerId{++last_peer_};
  wire->up_free = wire->down_free = now_;
  wires_[wire->id] = wire;
  return wire;
}

void World::send_up(const std::shared_ptr<Wire>& wire, const wire::Envelope& envelope) {
  if (!wire->open) return;
  const auto frames = wire::encode(envelope);
  const int copies = !healed && may_come_twice(envelope.message) && chance(faults.duplicate) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    wire->up_free = std::max(wire->up_free, now_ + latency());
    at(wire->up_free, nullptr, [this, wire, frames] { arrive(wire, frames); });
  }
}

void World::arrive(const std::shared_ptr<Wire>& wire, wire::Frames frames) {
  if (!wire->open) return;
  auto decoded = wire::decode(std::move(frames));
  if (auto* error = std::get_if<wire::DecodeError>(&decoded)) {
    std::fprintf(stderr, "a core sent what does not decode: %s\n", error->text.c_str());
    std::abort();
  }
  broker::Effects effects;
  core.on_message(wire->id, "anonymous", std::move(std::get<wire::Envelope>(decoded)), now_, effects);
  core.check_invariants();
  carry_out(effects);
  settle();
}

void World::settle() {
  broker::Effects effects;
  core.settle(now_, effects);
  core.check_invariants();
  carry_out(effects);
  if (auto next = core.next_deadline(); next && (!wake_ || *next < *wake_)) {
    wake_ = next;
    at(*next, nullptr, [this] {
      wake_.reset();
      settle();
    });
  }
}

void World::carry_out(broker::Effects& effects) {
  for (auto& effect : effects)
    if (auto* send = std::get_if<broker::Send>(&effect)) send_down(*send);
}

void World::send_down(const broker::Send& send) {
  auto it = wires_.find(send.peer);
  if (it == wires_.end() || !it->second->open) {
    core.on_unreachable(send.peer);
    return;
  }
  auto wire = it->second;
  auto frames = wire::encode({send.session, send.message});
  wire->down_free = std::max(wire->down_free, now_ + latency());
  at(wire->down_free, nullptr, [this, wire, frames = std::move(frames)]() mutable {
    if (!wire->open) return;
    auto decoded = wire::decode(std::move(frames));
    if (auto* error = std::get_if<wire::DecodeError>(&decoded)) {
      std::fprintf(stderr, "the broker sent what does not decode: %s\n", error->text.c_str());
      std::abort();
    }
    wire->deliver(std::move(std::get<wire::Envelope>(decoded)));
  });
}

void World::cut(const std::shared_ptr<Wire>& wire, bool peer_notices) {
  if (!wire->open) return;
  wire->open = false;
  wires_.erase(wire->id);
  if (peer_notices) wire->lost();
}

std::shared_ptr<Wire> World::any_wire() {
  if (wires_.empty()) return nullptr;
  auto it = wires_.begin();
  std::advance(it, static_cast<std::ptrdiff_t>(below(wires_.size())));
  return it->second;
}

void World::run(Time end, const std::function<bool()>& done) {
  while (!events_.empty() && !done()) {
    Event event = events_.top();
    if (event.when > end) break;
    events_.pop();
    now_ = std::max(now_, event.when);
    if (event.actor) {
      if (event.actor->dead) continue;
      if (event.actor->frozen_until > now_) {
        events_.push({event.actor->frozen_until, event.order, event.actor, std::move(event.what)});
        continue;
      }
    }
    ++steps;
    event.what();
  }
  now_ = std::max(now_, std::min(end, now_));
}

}  // namespace quern::sim
