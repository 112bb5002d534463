#include "broker/core/pool.hpp"

#include <algorithm>
#include <cmath>

namespace quern::broker {
namespace {

// Sums that are kept by adding and subtracting drift; and what is unknown follows the mean within so much.
constexpr std::uint64_t kChangesMost = 4096;
constexpr double kMeanMoved = 0.05;

}  // namespace

void Pool::add(Worker& worker) {
  if (at_.contains(&worker)) return;
  at_.emplace(&worker, members_.size());
  members_.push_back({&worker, &worker.records[need_.record_name()], 0, false});
  counted_slots_.push_back(0);
  take_in(members_.back());
}

void Pool::remove(const Worker& worker) {
  const auto it = at_.find(&worker);
  if (it == at_.end()) return;
  const std::size_t i = it->second;
  leave_out(members_[i]);
  at_.erase(it);
  if (i + 1 != members_.size()) {
    members_[i] = members_.back();
    counted_slots_[i] = counted_slots_.back();
    at_[members_[i].worker] = i;
  }
  members_.pop_back();
  counted_slots_.pop_back();
  changes_ = kChangesMost;
}

const Pool::Member* Pool::of(const Worker& worker) const {
  const auto it = at_.find(&worker);
  return it == at_.end() ? nullptr : &members_[it->second];
}

void Pool::update(const Worker& worker) {
  const auto it = at_.find(&worker);
  if (it == at_.end()) return;
  leave_out(members_[it->second]);
  take_in(members_[it->second]);
  ++changes_;
}

void Pool::take_in(Member& member) {
  const double known = member.worker->rate_of(*member.record, need_.function);
  member.known = known > 0;
  member.rate = member.known ? known : mean_rate() * member.worker->speed();
  const std::uint32_t slots = member.worker->slots();
  counted_slots_[static_cast<std::size_t>(&member - members_.data())] = slots;
  slots_ += slots;
  total_ += member.rate * slots;
  best_ = std::max(best_, member.rate);
  if (!member.known) return;
  known_sum_ += member.rate;
  ++known_;
}

void Pool::leave_out(const Member& member) {
  const std::uint32_t slots = counted_slots_[static_cast<std::size_t>(&member - members_.data())];
  slots_ -= slots;
  total_ = std::max(0.0, total_ - member.rate * slots);
  if (!member.known) return;
  known_sum_ = std::max(0.0, known_sum_ - member.rate);
  --known_;
}

void Pool::refresh() {
  const bool moved = known_ < members_.size() && std::abs(mean_rate() - expected_of_) > kMeanMoved * expected_of_;
  if (changes_ < kChangesMost && !moved) return;
  changes_ = 0;
  slots_ = 0;
  total_ = known_sum_ = best_ = 0;
  known_ = 0;
  // First those that are known, so that the mean is there for the others.
  for (Member& member : members_)
    if (member.worker->rate_of(*member.record, need_.function) > 0) take_in(member);
  for (Member& member : members_)
    if (member.worker->rate_of(*member.record, need_.function) <= 0) take_in(member);
  expected_of_ = mean_rate();
}

}  // namespace quern::broker
