#include "sim/world.hpp"

#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace quern::sim {
namespace {

/// Messages that may arrive twice in reality, because a peer without an answer repeats them.
bool may_come_twice(const wire::Message& message) {
  return std::holds_alternative<wire::Report>(message) ||
         std::holds_alternative<wire::Submit>(message) ||
         std::holds_alternative<wire::Append>(message) ||
         std::holds_alternative<wire::Ack>(message) ||
         std::holds_alternative<wire::Cancel>(message) ||
         std::holds_alternative<wire::Reclaimed>(message);
}

double clock_s(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// The cost of reading the processor clock.
double cost_of_reading() {
  double least = 1;
  for (int i = 0; i < 100; ++i) {
    const double before = clock_s(CLOCK_THREAD_CPUTIME_ID);
    least = std::min(least, clock_s(CLOCK_THREAD_CPUTIME_ID) - before);
  }
  return least;
}

}  // namespace

template <class Call>
void World::in_core(Call&& call) {
  if (!timed) return call();
  // Reading the processor clock costs twenty times as much as the monotonic clock, so it is read
  // only in settle(), where one call in a million matters.
  const double before = clock_s(CLOCK_MONOTONIC);
  call();
  core_s += clock_s(CLOCK_MONOTONIC) - before;
}

World::World(std::uint64_t seed, broker::Config config)
    : config_(std::move(config)), random_(seed) {
  start_broker();
}

void World::start_broker() {
  ++life_;
  broker::Effects effects;
  if (config_.store) {
    broker::Recovered recovered = store_.recover();
    config_.incarnation = recovered.incarnation;
    core_ = std::make_unique<broker::Core>(config_);
    core_->recover(std::move(recovered), now_);
    core_->take_effects(effects);
  } else {
    core_ = std::make_unique<broker::Core>(config_);
  }
  check();
  carry_out(effects);
  settle();
}

void World::crash(Duration down) {
  if (!core_) return;
  core_.reset();
  wake_.reset();
  // The pending commit may or may not have reached the disk; no peer was told.
  if (committing_ && chance(0.5) && now_ >= disk_full_until_) store_.apply(committing_->ops);
  committing_.reset();
  in_trouble_ = false;
  ++life_;
  const auto wires = wires_;
  for (const auto& [id, wire] : wires) sever(wire, chance(0.8));
  at(now_ + down, nullptr, [this] {
    ++restarts_;
    restarted_ = now_;
    start_broker();
  });
}

void World::fill_disk(Duration time) { disk_full_until_ = std::max(disk_full_until_, now_ + time); }

void World::commit(broker::Commit commit) {
  committing_ = std::move(commit);
  const Duration sync = std::chrono::duration_cast<Duration>(healed         ? 200us
                                                             : chance(0.05) ? 300ms * uniform()
                                                                            : 8ms * uniform());
  at(now_ + sync, nullptr, [this, life = life_] {
    if (life != life_) return;
    broker::Effects effects;
    if (now_ < disk_full_until_ && !healed) {
      if (!std::exchange(in_trouble_, true))
        core_->on_store_trouble("no space left on device", now_);
      core_->take_effects(effects);
      carry_out(effects);
      settle();
      at(now_ + 500ms, nullptr, [this, life] {
        if (life == life_ && committing_) this->commit(std::move(*committing_));
      });
      return;
    }
    store_.apply(committing_->ops);
    const std::uint64_t sequence = committing_->sequence;
    committing_.reset();
    if (std::exchange(in_trouble_, false)) core_->on_store_healthy();
    core_->take_effects(effects);
    core_->on_committed(sequence, now_);
    core_->take_effects(effects);
    check();
    carry_out(effects);
    settle();
  });
}

void World::load(const broker::Load& load) {
  at(now_ + 1ms, nullptr, [this, load, life = life_] {
    if (life != life_) return;
    core_->on_loaded(load.job, load.tasks, store_.load(load.job, load.tasks));
    settle();
  });
}

void World::load(const broker::LoadResult& load) {
  at(now_ + 1ms, nullptr, [this, load, life = life_] {
    if (life != life_) return;
    core_->on_result_loaded(load.job, load.seq, store_.load_result(load.job, load.seq));
    settle();
  });
}

void World::reach(const std::shared_ptr<Wire>& wire, std::shared_ptr<Actor> actor,
                  std::function<void()> reached) {
  after(1ms, actor, [this, wire, actor, reached = std::move(reached)]() mutable {
    if (!wire->open) return;
    if (core_) {
      wire->reached = true;
      return reached();
    }
    after(50ms, actor, [this, wire, actor, reached = std::move(reached)]() mutable {
      reach(wire, actor, std::move(reached));
    });
  });
}

void World::at(Time when, std::shared_ptr<Actor> actor, std::function<void()> what) {
  plan(when, ++order_, {std::move(actor), std::move(what), nullptr, false, {}});
}

void World::plan(Time when, std::uint64_t order, Happening&& happening) {
  std::size_t place = happenings_.size();
  if (free_places_.empty()) {
    happenings_.push_back(std::move(happening));
  } else {
    place = free_places_.back();
    free_places_.pop_back();
    happenings_[place] = std::move(happening);
  }
  events_.push({std::max(when, now_), order, place});
}

Duration World::latency() {
  if (faults.latency) return *faults.latency;
  return std::chrono::duration_cast<Duration>(50us + (faults.latency_most - 50us) *
                                                         (healed ? 0.1 * uniform() : uniform()));
}

std::shared_ptr<Wire> World::connect() {
  auto wire = std::make_shared<Wire>();
  wire->id = PeerId{++last_peer_};
  wire->up_free = wire->down_free = now_;
  wires_[wire->id] = wire;
  return wire;
}

/// A message as the receiver decodes it.
wire::Envelope World::copied(const wire::Envelope& envelope) const {
  auto decoded = wire::decode(wire::encode(envelope));
  if (auto* error = std::get_if<wire::DecodeError>(&decoded)) {
    std::fprintf(stderr, "a core sent what does not decode: %s\n", error->text.c_str());
    std::abort();
  }
  return std::move(std::get<wire::Envelope>(decoded));
}

void World::send_up(const std::shared_ptr<Wire>& wire, wire::Envelope envelope) {
  if (!wire->open) return;
  const int copies =
      !healed && may_come_twice(envelope.message) && chance(faults.duplicate) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    wire->up_free = std::max(wire->up_free, now_ + latency());
    plan(wire->up_free, ++order_,
         {nullptr,
          {},
          wire,
          true,
          checked          ? copied(envelope)
          : i + 1 < copies ? envelope
                           : std::move(envelope)});
  }
}

void World::arrive(const std::shared_ptr<Wire>& wire, wire::Envelope&& envelope) {
  if (!wire->open || !core_) return;
  static const std::string user = "anonymous";
  effects_.clear();
  in_core([&] {
    core_->on_message(wire->id, user, std::move(envelope), now_);
    core_->take_effects(effects_);
  });
  check();
  carry_out(effects_);
  // Like the router: read everything that has arrived, then act once.
  if (std::exchange(settling_, true)) return;
  at(now_, nullptr, [this] {
    settling_ = false;
    settle();
  });
}

void World::check() const {
  if (checked) core_->check_invariants();
}

void World::settle() {
  if (!core_) return;
  effects_.clear();
  if (timed) {
    static const double reading = cost_of_reading();
    const std::uint64_t slices = core_->counters().plan_slices;
    const double before = clock_s(CLOCK_THREAD_CPUTIME_ID);
    core_->settle(now_);
    core_->take_effects(effects_);
    const double took = std::max(0.0, clock_s(CLOCK_THREAD_CPUTIME_ID) - before - reading);
    core_s += took;
    settle_s_most = std::max(settle_s_most, took);
    if (core_->counters().plan_slices > slices) {
      plan_s += took;
      plan_s_most = std::max(plan_s_most, took);
    }
  } else {
    core_->settle(now_);
    core_->take_effects(effects_);
  }
  check();
  carry_out(effects_);
  if (auto next = core_->next_deadline(); next && (!wake_ || *next < *wake_)) {
    wake_ = next;
    // A tick that was overtaken by an earlier one must not schedule another, or ticks would
    // multiply.
    at(*next, nullptr, [this, when = *next, life = life_] {
      if (life != life_ || wake_ != when) return;
      wake_.reset();
      settle();
    });
  }
}

void World::carry_out(broker::Effects& effects) {
  for (auto& effect : effects)
    if (auto* send = std::get_if<broker::Send>(&effect))
      send_down(*send);
    else if (auto* commit_now = std::get_if<broker::Commit>(&effect))
      commit(std::move(*commit_now));
    else if (auto* load_now = std::get_if<broker::Load>(&effect))
      load(*load_now);
    else if (auto* result_now = std::get_if<broker::LoadResult>(&effect))
      load(*result_now);
}

void World::send_down(broker::Send& send) {
  auto it = wires_.find(send.peer);
  if (it == wires_.end() || !it->second->open) {
    core_->on_undelivered(send.peer, send.message);
    return;
  }
  const auto& wire = it->second;
  wire::Envelope envelope{send.session, std::move(send.message)};
  wire->down_free = std::max(wire->down_free, now_ + latency());
  plan(wire->down_free, ++order_,
       {nullptr, {}, wire, false, checked ? copied(envelope) : std::move(envelope)});
}

void World::cut(const std::shared_ptr<Wire>& wire, bool peer_notices) {
  if (!wire->open) return;
  wire->open = false;
  wires_.erase(wire->id);
  if (peer_notices) wire->lost();
}

void World::sever(const std::shared_ptr<Wire>& wire, bool peer_notices) {
  if (wire->reached) cut(wire, peer_notices);
}

std::shared_ptr<Wire> World::any_wire() {
  if (wires_.empty()) return nullptr;
  auto it = wires_.begin();
  std::advance(it, static_cast<std::ptrdiff_t>(below(wires_.size())));
  return it->second;
}

void World::happen(Happening& happening) {
  if (!happening.wire) return happening.what();
  if (happening.up) return arrive(happening.wire, std::move(happening.envelope));
  if (happening.wire->open) happening.wire->deliver(std::move(happening.envelope));
}

void World::run(Time end, const std::function<bool()>& done) {
  while (!events_.empty() && !done()) {
    const Event event = events_.top();
    if (event.when > end) break;
    events_.pop();
    now_ = std::max(now_, event.when);
    Happening happening = std::move(happenings_[event.place]);
    happenings_[event.place] = {};
    free_places_.push_back(event.place);
    if (happening.actor) {
      if (happening.actor->dead) continue;
      if (const Time wakes = happening.actor->frozen_until; wakes > now_) {
        plan(wakes, event.order, std::move(happening));
        continue;
      }
    }
    ++steps;
    happen(happening);
  }
  now_ = std::max(now_, std::min(end, now_));
}

}  // namespace quern::sim
