// What tasks cost in units of their function's rate: said by who submitted them, or foreseen from
// their payloads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace quern::broker {

class CostHints {
 public:
  /// Hints beyond these say nothing, and would drown what is measured.
  static constexpr double kLeast = 1e-6, kMost = 1e12;
  /// Hints of tasks beyond this are not kept (4 bytes each): a stream that never ends would fill
  /// the memory.
  static constexpr std::uint64_t kKept = 16u << 20;

  bool empty() const { return hints_.empty(); }
  std::uint64_t size() const { return hints_.size(); }
  double of(std::uint64_t task) const { return std::max<double>(1e-9, hints_[task]); }
  double mean() const { return std::max(1e-9, sum_ / static_cast<double>(hints_.size())); }
  std::size_t bytes() const { return hints_.size() * sizeof(float); }

  /// Of the next task.
  void add(double cost) {
    hints_.push_back(static_cast<float>(std::clamp(cost, kLeast, kMost)));
    sum_ += hints_.back();
  }
  void set(std::uint64_t task, double cost) {
    const auto now = static_cast<float>(cost);
    sum_ += static_cast<double>(now) - static_cast<double>(hints_[task]);
    hints_[task] = now;
  }
  /// So many tasks, all of the same cost.
  void assign(std::uint64_t count, double cost) {
    hints_.assign(count, static_cast<float>(cost));
    sum_ = static_cast<double>(count) * cost;
  }

 private:
  std::vector<float> hints_;  // of the first tasks
  double sum_ = 0;
};

}  // namespace quern::broker
