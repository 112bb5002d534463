#include "broker/core/scheduling/pool.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace quern::broker {
namespace {

// Sums that are updated by adding and subtracting drift. They are recomputed after this many
// changes, but not before there were as many changes as members. Expected rates follow the mean
// when it has moved by this share.
constexpr std::uint64_t kChangesMost = 4096;
constexpr double kMeanMoved = 0.05;
// The spread of the rates is computed again when this fraction of the members may have changed.
constexpr std::size_t kSpreadEvery = 8;

// Where machines do the same tasks as people, people are assumed to be this fast relative to them,
// so that work goes to people only when there is plenty, and the machines' plans do not count on
// them.
constexpr double kPeopleRate = 0.01;

/// A number of a worker that is as good as random (the finalizer of SplitMix64, Steele, Lea and
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
  members_.push_back({&worker, &worker.speed.records[need_.record_name()]});
  worker.any_declaration(need_.function, [&](const FunctionDecl& decl) {
    const bool meant = decl.takes == need_.takes && decl.encoding == need_.encoding;
    if (meant) members_.back().people = decl.people;
    if (meant) members_.back().lease_most = decl.max_lease;
    return meant;
  });
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
  sums_.somebody_left = true;
}

std::size_t Pool::place_of(const Worker& worker) const {
  // A worker is nearly always looked up in the same pool as last time; with ten thousand workers, a
  // table lookup misses the cache.
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
  ++sums_.changes;
}

void Pool::take_in(Member& member) {
  const double known = member.people ? 0 : member.worker->rate_of(*member.record, need_.function);
  member.known = known > 0;
  member.rate = member.known
                    ? known
                    : mean_rate() * (member.people ? kPeopleRate : member.worker->speed.relative());
  const std::uint32_t slots = member.worker->slots();
  counted_slots_[static_cast<std::size_t>(&member - members_.data())] = slots;
  count(member, slots);
}

void Pool::count(const Member& member, std::uint32_t slots) {
  ++sums_.rates_changed;
  sums_.slots += slots;
  sums_.rate += member.rate * slots;
  sums_.best = std::max(sums_.best, member.rate);
  if (!member.known) return;
  sums_.known_rate += member.rate;
  ++sums_.known;
}

void Pool::leave_out(const Member& member) {
  ++sums_.rates_changed;
  const std::uint32_t slots = counted_slots_[static_cast<std::size_t>(&member - members_.data())];
  sums_.slots -= slots;
  sums_.rate = std::max(0.0, sums_.rate - member.rate * slots);
  if (!member.known) return;
  sums_.known_rate = std::max(0.0, sums_.known_rate - member.rate);
  --sums_.known;
}

void Pool::add_up() {
  sums_.changes = 0;
  sums_.slots = sums_.known = 0;
  sums_.rate = sums_.known_rate = sums_.best = 0;
  for (std::size_t i = 0; i < members_.size(); ++i) count(members_[i], counted_slots_[i]);
}

void Pool::look_at_spread() const {
  // This examines all members, so it is not done for every change of one member.
  if (sums_.rates_changed - spread_.of <= members_.size() / kSpreadEvery) return;
  spread_.of = sums_.rates_changed;
  std::vector<double> rates;
  for (const Member& member : members_)
    if (member.known) rates.push_back(member.rate);
  spread_.low = spread_.high = 0;
  if (rates.empty()) return;
  const auto at = [&](std::size_t i) {
    std::nth_element(rates.begin(), rates.begin() + static_cast<std::ptrdiff_t>(i), rates.end());
    return rates[i];
  };
  spread_.low = at((rates.size() - 1) / 4);
  spread_.high = at(rates.size() - 1 - (rates.size() - 1) / 4);
}

void Pool::refresh(std::uint64_t told) {
  if (std::exchange(sums_.told, told) != told) {
    for (Member& member : members_) {
      leave_out(member);
      take_in(member);
    }
    sums_.somebody_left = true;
  }
  const bool due = std::exchange(sums_.somebody_left, false) ||
                   sums_.changes >= std::max<std::uint64_t>(kChangesMost, members_.size());
  if (due) add_up();
  const bool moved = std::abs(mean_rate() - sums_.expected_of) > kMeanMoved * sums_.expected_of;
  if (sums_.known == members_.size() || (!due && !moved)) return;
  sums_.expected_of = mean_rate();
  for (Member& member : members_) {
    if (member.known) continue;
    leave_out(member);
    take_in(member);
  }
}

}  // namespace quern::broker
