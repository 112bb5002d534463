// R_j(function): the measured rate of one slot of a worker, learnt from finished leases. Work is
// counted in tasks, or in the cost units of a job's hints.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace quern::broker {

/// Work done divided by time spent. Both fade with the slot time that has passed since, so that the
/// rate follows a machine that changes. tau is 2 s of slot time: about twenty leases of maximum
/// size. If consecutive leases all deviate to the same side by more than tasks have ever varied,
/// the machine has changed, and what was known before is discarded.
class Rate {
 public:
  /// `available`: the share of the full speed of its slots that the machine had, according to its
  /// heartbeats.
  void learn(double work, double busy_s, double tasks, double available) {
    if (!(work > 0) || !std::isfinite(work)) return;
    busy_s = std::max(busy_s, 1e-6);  // a lease of a few nanoseconds may measure as 0
    if (busy_ > 0) compare(work, busy_s, tasks);
    const bool changed = std::abs(off_) >= kOffMost;
    const double fade = changed ? 0 : std::exp(-busy_s / kTau);
    if (changed) off_ = 0;
    if (changed) unconfirmed_ = 0;
    work_ = work_ * fade + work;
    busy_ = busy_ * fade + busy_s;
    available_ = available_ * fade + available * busy_s;
    seen_ = seen_ * fade + tasks;
  }
  /// Work per second of one slot; 0 if nothing is known.
  double per_second() const { return busy_ > 0 ? work_ / busy_ : 0; }
  /// The number of tasks that the rate is based on; limits the growth of leases.
  double tasks_seen() const { return seen_; }
  /// The mean availability of the machine while the rate was measured.
  double available() const { return busy_ > 0 ? available_ / busy_ : 1; }
  /// How much the time of one task varies, relative to the mean (coefficient of variation),
  /// estimated from leases of any size. 1 until known.
  double variation() const { return compared_ >= 1 ? std::sqrt(variance_ / compared_) : 1; }
  /// With 95 % probability, the true rate is within this share of per_second(), if the machine does
  /// not change; at most 1.
  double uncertainty() const {
    if (busy_ <= 0) return 1;
    return std::min(1.0, 1.96 * variation() / std::sqrt(std::max(1.0, seen_)));
  }

 private:
  void compare(double work, double busy_s, double tasks) {
    if (tasks <= 0) return;
    const double ratio =
        std::clamp(busy_s * per_second() / work, 1e-3, 1e3);  // above 1: slower than expected
    // The sum over n tasks varies by sqrt(n) times the variation of one.
    const double deviation = (ratio - 1) * std::sqrt(tasks);
    const double usual = variation() / std::sqrt(tasks);
    const bool far = compared_ >= kComparedLeast && busy_s >= kFarFrom &&
                     std::abs(std::log(ratio)) > kFar && std::abs(ratio - 1) > 4 * usual;
    if (!far)
      off_ = 0;
    else if (ratio > 1)
      off_ = std::max(off_, 0) + 1;
    else
      off_ = std::min(off_, 0) - 1;
    // A change of the machine must not be counted as variation of the tasks. The next lease shows
    // which of the two it was.
    const double before = std::exchange(unconfirmed_, far ? deviation * deviation : 0);
    if (before > 0 && std::abs(off_) < kOffMost) take_variance(before);
    if (!far) take_variance(deviation * deviation);
  }
  void take_variance(double squared) {
    constexpr double kKeep = 0.99;
    variance_ = variance_ * kKeep + squared;
    compared_ = compared_ * kKeep + 1;
  }

  static constexpr double kTau = 2.0;
  static constexpr int kOffMost = 2;         ///< consecutive leases
  static constexpr double kFar = 0.4;        ///< of the logarithm: 1.5 times as slow or as fast
  static constexpr double kFarFrom = 0.001;  ///< shorter leases measure the machine's scheduler
  static constexpr double kComparedLeast = 3;
  double work_ = 0;
  double busy_ = 0;
  double available_ = 0;
  double seen_ = 0;
  double variance_ = 0;
  double compared_ = 0;
  double unconfirmed_ = 0;
  int off_ = 0;
};

struct FunctionRecord {
  Rate rate;
  double at_most = 0;   ///< upper bound of the rate (work/s of one slot), because its first lease
                        ///< has been running for so long; 0: none
  double relative = 0;  ///< relative to the mean of all workers with this function, when last
                        ///< measured; 0: unknown
  std::uint64_t leases = 0;
  std::uint64_t tasks = 0;
  std::uint64_t busy_us = 0;
};

using FunctionRecords = std::map<std::string, FunctionRecord, std::less<>>;

}  // namespace quern::broker
