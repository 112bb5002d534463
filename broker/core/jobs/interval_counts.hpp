// How often tasks of one job have failed: an interval map in which absent means 0. Each job has
// two: failed attempts, and workers lost while they ran the task alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>

#include "broker/core/base/lazy.hpp"
#include "wire/intervals.hpp"

namespace quern::broker {

class IntervalCounts {
 public:
  bool empty() const { return map_->empty(); }

  std::uint32_t at(std::uint64_t index) const {
    const auto& map = *map_;
    auto it = map.upper_bound(index);
    if (it == map.begin()) return 0;
    --it;
    return index < it->second.end ? it->second.count : 0;
  }

  /// The end of the longest interval that starts at `index`, ends at or before `limit`, and has the
  /// same count throughout.
  std::uint64_t run_end(std::uint64_t index, std::uint64_t limit) const {
    const auto& map = *map_;
    if (map.empty()) return limit;
    auto it = map.upper_bound(index);
    const std::uint64_t next = it == map.end() ? limit : it->first;
    if (it != map.begin() && std::prev(it)->second.end > index)
      return std::min(limit, std::prev(it)->second.end);
    return std::min(limit, next);
  }

  /// Sets the count of a whole interval.
  void set(wire::Interval tasks, std::uint32_t count) {
    forget(tasks);
    if (count > 0) map_.edit().emplace(tasks.begin, Run{tasks.end, count});
  }

  /// Forgets the counts of tasks that have ended.
  void forget(wire::Interval tasks) {
    if (map_->empty()) return;
    auto& map = map_.edit();
    auto it = map.upper_bound(tasks.begin);
    if (it != map.begin() && std::prev(it)->second.end > tasks.begin) --it;
    while (it != map.end() && it->first < tasks.end) {
      const std::uint64_t begin = it->first;
      const Run run = it->second;
      it = map.erase(it);
      if (begin < tasks.begin) map.emplace(begin, Run{tasks.begin, run.count});
      if (run.end > tasks.end) it = map.emplace(tasks.end, Run{run.end, run.count}).first;
    }
  }

  /// Calls visit(interval, count) for all intervals with a count, in ascending order.
  template <typename Visit>
  void each(Visit visit) const {
    for (const auto& [begin, run] : *map_) visit(wire::Interval{begin, run.end}, run.count);
  }

 private:
  struct Run {
    std::uint64_t end;
    std::uint32_t count;
  };
  Lazy<std::map<std::uint64_t, Run>> map_;
};

}  // namespace quern::broker
