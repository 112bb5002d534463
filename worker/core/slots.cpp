#include "worker/core/slots.hpp"

#include <algorithm>

namespace quern::worker {
namespace {

// A thread slot whose lease is over returns within microseconds, a killed process within
// milliseconds.
constexpr std::chrono::milliseconds kStuckAfter{100};
// Minimum interval between reports of stuck slots: with very many slots they would be a flood of
// heartbeats.
constexpr std::chrono::milliseconds kTellEvery{100};

}  // namespace

std::optional<SlotId> Slots::idle() const {
  std::optional<SlotId> idle;
  std::uint32_t taken = 0;
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    const auto* on = std::get_if<OnLease>(&slots_[i]);
    if (!std::holds_alternative<Idle>(slots_[i]))
      taken += on && on->waits ? 0 : 1;
    else if (!idle)
      idle = SlotId(i);
    if (taken >= limit_) return std::nullopt;
  }
  return idle ? idle : SlotId(static_cast<std::uint32_t>(slots_.size()));
}

void Slots::start(SlotId slot, const wire::LeaseId& lease) {
  if (index(slot) == slots_.size()) slots_.emplace_back();
  slots_[index(slot)] = OnLease{lease};
}

void Slots::set_waiting(SlotId slot, bool waits) {
  if (auto* on = std::get_if<OnLease>(&slots_[index(slot)])) on->waits = waits;
}

std::uint32_t Slots::waiting() const {
  return static_cast<std::uint32_t>(
      std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) {
        const auto* on = std::get_if<OnLease>(&slot);
        return on && on->waits;
      }));
}

void Slots::end(SlotId slot, bool stuck, Time now) { slots_[index(slot)] = Returning{now, stuck}; }

bool Slots::release(SlotId slot) {
  const auto* returning = std::get_if<Returning>(&slots_[index(slot)]);
  if (!returning) return false;
  const bool was_stuck = returning->stuck;
  slots_[index(slot)] = Idle{};
  return was_stuck;
}

bool Slots::on_tick(Time now) {
  bool news = untold_;
  for (auto& slot : slots_) {
    auto* returning = std::get_if<Returning>(&slot);
    if (returning && !returning->stuck && now - returning->since >= kStuckAfter)
      news = returning->stuck = true;
  }
  return news;
}

bool Slots::may_tell(Time now) {
  untold_ = told_ && now - *told_ < kTellEvery;
  if (!untold_) told_ = now;
  return !untold_;
}

std::optional<Time> Slots::deadline() const {
  std::optional<Time> next;
  const auto sooner = [&](Time until) { next = next ? std::min(*next, until) : until; };
  if (untold_) sooner(*told_ + kTellEvery);
  for (const auto& slot : slots_)
    if (const auto* returning = std::get_if<Returning>(&slot); returning && !returning->stuck)
      sooner(returning->since + kStuckAfter);
  return next;
}

bool Slots::all_stuck() const { return stuck() >= limit_; }

std::uint32_t Slots::stuck() const {
  return static_cast<std::uint32_t>(
      std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) {
        const auto* returning = std::get_if<Returning>(&slot);
        return returning && returning->stuck;
      }));
}

void Slots::count(Capacity& capacity) const {
  capacity.slots = limit_;
  capacity.stuck = std::min(limit_, stuck());
  capacity.busy = 0;
  for (const auto& slot : slots_) {
    const auto* on = std::get_if<OnLease>(&slot);
    capacity.busy += on && !on->waits ? 1 : 0;
  }
}

const wire::LeaseId* Slots::lease(SlotId slot) const {
  const auto* on = std::get_if<OnLease>(&slots_[index(slot)]);
  return on ? &on->lease : nullptr;
}

}  // namespace quern::worker
