// Whether the size of its payload explains the time of a function's tasks, and then how long each
// should take.
//
// Weighted linear regression of the seconds per task on the bytes per task, a lease a point, older
// ones fading; used when it explains most of what varies. One function has one: what workers differ
// in is their rate.
#pragma once

#include <algorithm>
#include <cstdint>

namespace quern::broker {

class PayloadCost {
 public:
  /// `seconds`: what the mean worker would have needed for these tasks with so many bytes.
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
  /// Whether it is to be relied on.
  bool explains() const {
    if (leases_ < kLeasesLeast) return false;
    const double varied = squares_ - sizes_ * sizes_ / weight_,
                 together = products_ - sizes_ * times_ / weight_;
    const double times = time_squares_ - times_ * times_ / weight_;
    // Sizes that hardly differ say nothing, however well they fit.
    if (varied <= kVariedLeast * sizes_ * sizes_ / weight_ || together <= 0 || times <= 0)
      return false;
    return together * together / (varied * times) >= kExplained;
  }
  /// The time of a task with this payload, as a multiple of the mean task's.
  double of(double bytes) const {
    const double mean_size = sizes_ / weight_, mean_time = times_ / weight_;
    const double varied = squares_ - sizes_ * sizes_ / weight_;
    double per_byte = (products_ - sizes_ * times_ / weight_) / varied;
    double fixed = mean_time - per_byte * mean_size;
    if (fixed < 0) {  // no task takes less than nothing
      fixed = 0;
      per_byte = mean_time / mean_size;
    }
    return std::max(1e-6, (fixed + per_byte * bytes) / mean_time);
  }

 private:
  static constexpr double kKeep = 0.995;  ///< some 200 leases count
  static constexpr double kLeasesLeast = 16;
  static constexpr double kVariedLeast = 0.01;  ///< sizes vary by a tenth of the mean at least
  static constexpr double kExplained = 0.5;     ///< of the variance of the times
  double weight_ = 0, sizes_ = 0, times_ = 0, squares_ = 0, products_ = 0, time_squares_ = 0,
         leases_ = 0;
};

}  // namespace quern::broker
