// Whether the payload size explains the time of a function's tasks, and how long each task should
// take.
//
// Weighted linear regression of seconds per task on bytes per task. Each lease is one point, and
// older points fade. It is used when it explains most of the variance. There is one regression per
// function: workers differ only in their rate.
#pragma once

#include <algorithm>
#include <cstdint>

namespace quern::broker {

class PayloadCost {
 public:
  /// `seconds`: the time that the average worker would have needed for these tasks with this many
  /// bytes.
  void learn(double tasks, double bytes, double seconds) {
    if (!(tasks > 0) || !(seconds > 0)) return;
    const double size = bytes / tasks, time = seconds / tasks;
    for (double* sum :
         {&weight_, &sizes_, &times_, &squares_, &products_, &time_squares_, &leases_})
      *sum *= kKeep;
    weight_ += tasks;
    sizes_ += tasks * size;
    times_ += tasks * time;
    squares_ += tasks * size * size;
    products_ += tasks * size * time;
    time_squares_ += tasks * time * time;
    ++leases_;
  }
  /// Whether the regression can be relied on.
  bool explains() const {
    if (leases_ < kLeasesLeast) return false;
    const double varied = squares_ - sizes_ * sizes_ / weight_,
                 together = products_ - sizes_ * times_ / weight_;
    const double times = time_squares_ - times_ * times_ / weight_;
    // Sizes that hardly differ explain nothing, however well they fit.
    if (varied <= kVariedLeast * sizes_ * sizes_ / weight_ || together <= 0 || times <= 0)
      return false;
    return together * together / (varied * times) >= kExplained;
  }
  /// The time of a task with this payload, as a multiple of the average task's time.
  double of(double bytes) const {
    const double mean_size = sizes_ / weight_, mean_time = times_ / weight_;
    const double varied = squares_ - sizes_ * sizes_ / weight_;
    double per_byte = (products_ - sizes_ * times_ / weight_) / varied;
    double fixed = mean_time - per_byte * mean_size;
    if (fixed < 0) {  // a task cannot take less than no time
      fixed = 0;
      per_byte = mean_time / mean_size;
    }
    return std::max(1e-6, (fixed + per_byte * bytes) / mean_time);
  }

 private:
  static constexpr double kKeep = 0.995;  ///< about 200 leases count
  static constexpr double kLeasesLeast = 16;
  static constexpr double kVariedLeast = 0.01;  ///< sizes vary by at least a tenth of the mean
  static constexpr double kExplained = 0.5;     ///< share of the variance of the times
  double weight_ = 0, sizes_ = 0, times_ = 0, squares_ = 0, products_ = 0, time_squares_ = 0,
         leases_ = 0;
};

}  // namespace quern::broker
