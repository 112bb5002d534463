// Limits a slot to a share of its time: it rests after working. Short rests are accumulated,
// because a very short sleep costs more than it saves. Belongs to one slot.
#pragma once

#include <chrono>

#include "worker/actors/run.hpp"

namespace quern::worker {

class Throttle {
 public:
  /// `share` in (0, 1]; 1: never rests.
  explicit Throttle(double share) : owed_per_work_(share < 1 ? 1 / share - 1 : 0) {}

  void after(Clock::duration worked, Run& run) {
    if (owed_per_work_ == 0) return;
    owed_ += std::chrono::duration_cast<Clock::duration>(worked * owed_per_work_);
    if (owed_ < kWorthIt) return;
    const auto began = Clock::now();
    run.rest(owed_);
    owed_ -= Clock::now() - began;  // oversleeping is deducted from the next rest
    if (run.cancelled()) owed_ = {};
  }

 private:
  static constexpr std::chrono::microseconds kWorthIt{500};
  double owed_per_work_;
  Clock::duration owed_{};
};

}  // namespace quern::worker
