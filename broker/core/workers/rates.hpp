// R_j(function): the measured speed of one slot of a worker, learnt from finished leases. Work is
// counted in tasks, or in the cost units of a job's hints.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace quern::broker {

/// Work done over time spent, both fading with the slot time that passed since, so that the rate
/// follows a machine that changes. tau is 2 s of slot time: some twenty leases of the longest size.
/// When leases in a row are all far off to the same side, by more than these tasks ever varied, the
/// machine is another one now: what was known before is let go.
class Rate {
 public:
  /// `available`: the share of its slots' full speed that the machine had, as its heartbeats say.
  void learn(double work, double busy_s, double tasks, double available) {
    if (!(work > 0) || !std::isfinite(work)) return;
    busy_s = std::max(busy_s, 1e-6);  // a lease of a few nanoseconds measures as nothing
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
  /// Work per second of one slot; 0 when nothing is known.
  double per_second() const { return busy_ > 0 ? work_ / busy_ : 0; }
  /// Tasks this knowledge rests on: what a lease may grow from.
  double tasks_seen() const { return seen_; }
  /// Of the machine when it was measured.
  double available() const { return busy_ > 0 ? available_ / busy_ : 1; }
  /// How much one task's time varies, as a share of the mean (coefficient of variation); from
  /// leases of any size. 1 until known.
  double variation() const { return compared_ >= 1 ? std::sqrt(variance_ / compared_) : 1; }
  /// The true rate is within this share of per_second() with 95 % probability, if the machine stays
  /// as it is; 1 at most.
  double uncertainty() const {
    if (busy_ <= 0) return 1;
    return std::min(1.0, 1.96 * variation() / std::sqrt(std::max(1.0, seen_)));
  }

 private:
  void compare(double work, double busy_s, double tasks) {
    if (tasks <= 0) return;
    const double ratio =
        std::clamp(busy_s * per_second() / work, 1e-3, 1e3);  // above 1: slower than thought
    // A sum of n times varies by sqrt(n) of one's variation.
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
    // How a machine changes is not how tasks vary: which of the two it was the next lease tells.
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
  static constexpr int kOffMost = 2;   ///< leases in a row
  static constexpr double kFar = 0.4;  ///< 1.5 times or two thirds
  static constexpr double kFarFrom =
      0.001;  ///< shorter leases measure the scheduler of the machine
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
  double at_most = 0;  ///< work/s of one slot that it can do, since its first lease of it runs so
                       ///< long; 0: no such sign
  double relative =
      0;  ///< to the mean of all that do this function, when it was last measured; 0: not known
  std::uint64_t leases = 0;
  std::uint64_t tasks = 0;
  std::uint64_t busy_us = 0;
};

using FunctionRecords = std::map<std::string, FunctionRecord, std::less<>>;

}  // namespace quern::broker
