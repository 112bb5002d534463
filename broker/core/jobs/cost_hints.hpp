// What tasks cost in units of their function's rate: given by the client, or estimated from the
// payloads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace quern::broker {

class CostHints {
 public:
  /// Hints outside these limits carry no information and would outweigh the measurements.
  static constexpr double kLeast = 1e-6, kMost = 1e12;
  /// Hints of tasks beyond this index are not kept (4 bytes each), because an endless stream would
  /// fill the memory.
  static constexpr std::uint64_t kKept = 16u << 20;

  bool empty() const { return hints_.empty(); }
  std::uint64_t size() const { return hints_.size(); }
  double of(std::uint64_t task) const { return std::max<double>(1e-9, hints_[task]); }
  double mean() const { return std::max(1e-9, sum_ / static_cast<double>(hints_.size())); }
  std::size_t bytes() const { return hints_.size() * sizeof(float); }

  /// Adds the hint of the next task.
  void add(double cost) {
    hints_.push_back(static_cast<float>(std::clamp(cost, kLeast, kMost)));
    sum_ += hints_.back();
  }
  void set(std::uint64_t task, double cost) {
    const auto now = static_cast<float>(cost);
    sum_ += static_cast<double>(now) - static_cast<double>(hints_[task]);
    hints_[task] = now;
  }
  /// Sets the hints of this many tasks, all with the same cost.
  void assign(std::uint64_t count, double cost) {
    hints_.assign(count, static_cast<float>(cost));
    sum_ = static_cast<double>(count) * cost;
  }

 private:
  std::vector<float> hints_;  // of the first tasks
  double sum_ = 0;
};

}  // namespace quern::broker
