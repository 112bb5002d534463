// Half-open intervals of task indices and sets of them. A set is a sorted list of disjoint,
// non-touching, non-empty intervals: a job with a million tasks that run in order is one interval.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace quern::wire {

struct Interval {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;  ///< one past the last

  std::uint64_t size() const { return end - begin; }
  bool empty() const { return begin >= end; }
  bool contains(std::uint64_t index) const { return begin <= index && index < end; }
  bool operator==(const Interval&) const = default;
};

/// A short list of intervals as sent: ascending, disjoint, none empty.
using Intervals = std::vector<Interval>;

std::uint64_t size(const Intervals& list);
/// Whether the intervals are ascending, disjoint and not empty.
bool well_formed(const Intervals& list);

class IntervalSet {
 public:
  IntervalSet() = default;
  explicit IntervalSet(const Intervals& list);

  bool empty() const { return map_.empty(); }
  std::uint64_t size() const { return size_; }           ///< tasks in all intervals
  std::size_t fragments() const { return map_.size(); }  ///< number of intervals
  std::uint64_t front() const {
    return map_.begin()->first;
  }  ///< least index; the set must not be empty
  std::uint64_t back_end() const { return map_.rbegin()->second; }
  Interval first() const { return {map_.begin()->first, map_.begin()->second}; }

  bool contains(std::uint64_t index) const;
  bool contains(Interval interval) const;

  /// Adds the interval; returns how many indices were new.
  std::uint64_t add(Interval interval);
  /// Removes the interval; returns how many indices were in the set.
  std::uint64_t remove(Interval interval);
  void clear();

  /// Removes and returns up to `count` indices from the front of the first interval. The set must
  /// not be empty.
  Interval take_front(std::uint64_t count);

  /// The parts of `interval` that are in the set.
  Intervals intersect(Interval interval) const;
  /// The parts of `interval` that are not in the set.
  Intervals missing(Interval interval) const;
  Intervals list() const;
  /// The first `most` parts from `index` on.
  Intervals from(std::uint64_t index, std::size_t most) const;

  bool operator==(const IntervalSet& other) const { return map_ == other.map_; }

 private:
  std::map<std::uint64_t, std::uint64_t> map_;  // begin -> end
  std::uint64_t size_ = 0;
};

}  // namespace quern::wire
