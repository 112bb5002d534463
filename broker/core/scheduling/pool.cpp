#include "broker/core/scheduling/pool.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace quern::broker {
namespace {

// Sums that are kept by adding and subtracting drift: after so many changes, and as many as there
// are members, they are made anew. And what is unknown follows the mean within so much.
constexpr std::uint64_t kChangesMost = 4096;
constexpr double kMeanMoved = 0.05;
// How many are slow and how many quick is looked at again when this part of them may have changed.
constexpr std::size_t kSpreadEvery = 8;

/// A number of a worker that is as good as random (the finalizer of splitmix64, Steele, Lea and
/// Flood 2014).
std::uint64_t mixed(const Worker& worker) {
  std::uint64_t z = reinterpret_cast<std::uintptr_t>(&worker);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

void Pool::add(Worker& worker) {
  if (at_.contains(&worker)) return;
  at_.emplace(&worker, members_.size());
  members_.push_back({&worker, &worker.speed.records[need_.record_name()], 0, false});
  counted_slots_.push_back(0);
  crew_ ^= mixed(worker);
  take_in(members_.back());
}

void Pool::remove(const Worker& worker) {
  const auto it = at_.find(&worker);
  if (it == at_.end()) return;
  const std::size_t i = it->second;
  leave_out(members_[i]);
  at_.erase(it);
  crew_ ^= mixed(worker);
  if (i + 1 != members_.size()) {
    members_[i] = members_.back();
    counted_slots_[i] = counted_slots_.back();
    at_[members_[i].worker] = i;
  }
  members_.pop_back();
  counted_slots_.pop_back();
  changed_ = true;
}

std::size_t Pool::place_of(const Worker& worker) const {
  // Nearly always it is looked for where it was the last time; with ten thousand workers a table of
  // them is not near.
  if (worker.marks.pool == this && worker.marks.place < members_.size() &&
      members_[worker.marks.place].worker == &worker)
    return worker.marks.place;
  const auto it = at_.find(&worker);
  if (it == at_.end()) return kNowhere;
  worker.marks.pool = this;
  return worker.marks.place = it->second;
}

const Pool::Member* Pool::of(const Worker& worker) const {
  const std::size_t i = place_of(worker);
  return i == kNowhere ? nullptr : &members_[i];
}

void Pool::update(const Worker& worker) {
  const std::size_t i = place_of(worker);
  if (i == kNowhere) return;
  leave_out(members_[i]);
  take_in(members_[i]);
  ++changes_;
}

void Pool::take_in(Member& member) {
  const double known = member.worker->rate_of(*member.record, need_.function);
  member.known = known > 0;
  member.rate = member.known ? known : mean_rate() * member.worker->speed.relative();
  const std::uint32_t slots = member.worker->slots();
  counted_slots_[static_cast<std::size_t>(&member - members_.data())] = slots;
  count(member, slots);
}

void Pool::count(const Member& member, std::uint32_t slots) {
  ++rates_changed_;
  slots_ += slots;
  total_ += member.rate * slots;
  best_ = std::max(best_, member.rate);
  if (!member.known) return;
  known_sum_ += member.rate;
  ++known_;
}

void Pool::leave_out(const Member& member) {
  ++rates_changed_;
  const std::uint32_t slots = counted_slots_[static_cast<std::size_t>(&member - members_.data())];
  slots_ -= slots;
  total_ = std::max(0.0, total_ - member.rate * slots);
  if (!member.known) return;
  known_sum_ = std::max(0.0, known_sum_ - member.rate);
  --known_;
}

void Pool::add_up() {
  changes_ = 0;
  slots_ = known_ = 0;
  total_ = known_sum_ = best_ = 0;
  for (std::size_t i = 0; i < members_.size(); ++i) count(members_[i], counted_slots_[i]);
}

void Pool::look_at_spread() const {
  // A look at all: not for every change of one among many.
  if (rates_changed_ - spread_of_ <= members_.size() / kSpreadEvery) return;
  spread_of_ = rates_changed_;
  std::vector<double> rates;
  for (const Member& member : members_)
    if (member.known) rates.push_back(member.rate);
  low_ = high_ = 0;
  if (rates.empty()) return;
  const auto at = [&](std::size_t i) {
    std::nth_element(rates.begin(), rates.begin() + static_cast<std::ptrdiff_t>(i), rates.end());
    return rates[i];
  };
  low_ = at((rates.size() - 1) / 4);
  high_ = at(rates.size() - 1 - (rates.size() - 1) / 4);
}

void Pool::refresh(std::uint64_t told) {
  if (std::exchange(told_, told) != told) {
    for (Member& member : members_) {
      leave_out(member);
      take_in(member);
    }
    changed_ = true;
  }
  const bool due = std::exchange(changed_, false) ||
                   changes_ >= std::max<std::uint64_t>(kChangesMost, members_.size());
  if (due) add_up();
  const bool moved = std::abs(mean_rate() - expected_of_) > kMeanMoved * expected_of_;
  if (known_ == members_.size() || (!due && !moved)) return;
  expected_of_ = mean_rate();
  for (Member& member : members_) {
    if (member.known) continue;
    leave_out(member);
    take_in(member);
  }
}

}  // namespace quern::broker
