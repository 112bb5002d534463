#include "wire/intervals.hpp"

#include <algorithm>

namespace quern::wire {

std::uint64_t size(const Intervals& list) {
  std::uint64_t n = 0;
  for (const auto& i : list) n += i.size();
  return n;
}

bool well_formed(const Intervals& list) {
  std::uint64_t floor = 0;
  for (const auto& i : list) {
    if (i.empty() || i.begin < floor) return false;
    floor = i.end;
  }
  return true;
}

IntervalSet::IntervalSet(const Intervals& list) {
  for (const auto& i : list) add(i);
}

bool IntervalSet::contains(std::uint64_t index) const {
  auto it = map_.upper_bound(index);
  return it != map_.begin() && std::prev(it)->second > index;
}

bool IntervalSet::contains(Interval interval) const {
  if (interval.empty()) return true;
  auto it = map_.upper_bound(interval.begin);
  return it != map_.begin() && std::prev(it)->second >= interval.end;
}

std::uint64_t IntervalSet::add(Interval interval) {
  if (interval.empty()) return 0;
  auto it = map_.upper_bound(interval.begin);
  // If the previous interval touches or overlaps, it is extended in place. Otherwise a new one is
  // inserted, which is empty at first.
  if (it != map_.begin() && std::prev(it)->second >= interval.begin)
    --it;
  else
    it = map_.emplace_hint(it, interval.begin, interval.begin);
  std::uint64_t added = 0;
  std::uint64_t& end = it->second;
  for (auto next = std::next(it); next != map_.end() && next->first <= interval.end;
       next = map_.erase(next)) {
    added += next->first - end;
    end = next->second;
  }
  if (end < interval.end) {
    added += interval.end - end;
    end = interval.end;
  }
  size_ += added;
  return added;
}

std::uint64_t IntervalSet::remove(Interval interval) {
  if (interval.empty()) return 0;
  std::uint64_t removed = 0;
  auto it = map_.upper_bound(interval.begin);
  if (it != map_.begin() && std::prev(it)->second > interval.begin) --it;
  while (it != map_.end() && it->first < interval.end) {
    const Interval old{it->first, it->second};
    it = map_.erase(it);
    if (old.begin < interval.begin) map_.emplace_hint(it, old.begin, interval.begin);
    if (old.end > interval.end) it = map_.emplace_hint(it, interval.end, old.end);
    removed += std::min(old.end, interval.end) - std::max(old.begin, interval.begin);
  }
  size_ -= removed;
  return removed;
}

void IntervalSet::clear() {
  map_.clear();
  size_ = 0;
}

Interval IntervalSet::take_front(std::uint64_t count) {
  auto first = map_.extract(map_.begin());
  const Interval taken{first.key(), first.key() + std::min(count, first.mapped() - first.key())};
  size_ -= taken.size();
  first.key() = taken.end;
  if (taken.end < first.mapped()) map_.insert(map_.begin(), std::move(first));
  return taken;
}

Intervals IntervalSet::intersect(Interval interval) const {
  Intervals out;
  if (interval.empty()) return out;
  auto it = map_.upper_bound(interval.begin);
  if (it != map_.begin()) --it;
  for (; it != map_.end() && it->first < interval.end; ++it) {
    Interval part{std::max(it->first, interval.begin), std::min(it->second, interval.end)};
    if (!part.empty()) out.push_back(part);
  }
  return out;
}

Intervals IntervalSet::from(std::uint64_t index, std::size_t most) const {
  Intervals out;
  auto it = map_.upper_bound(index);
  if (it != map_.begin() && std::prev(it)->second > index) --it;
  for (; it != map_.end() && out.size() < most; ++it)
    out.push_back({std::max(it->first, index), it->second});
  return out;
}

Intervals IntervalSet::missing(Interval interval) const {
  Intervals out;
  std::uint64_t at = interval.begin;
  for (const auto& part : intersect(interval)) {
    if (part.begin > at) out.push_back({at, part.begin});
    at = part.end;
  }
  if (at < interval.end) out.push_back({at, interval.end});
  return out;
}

Intervals IntervalSet::list() const {
  Intervals out;
  out.reserve(map_.size());
  for (const auto& [begin, end] : map_) out.push_back({begin, end});
  return out;
}

}  // namespace quern::wire
