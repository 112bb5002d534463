// R_j(function): the measured speed of one slot of a worker, learnt from finished leases.
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <string>

namespace quern::broker {

/// Work done over time spent, both fading with the slot time that passed since, so that the rate follows a machine that
/// changes. tau is 2 s of slot time: some twenty leases of the longest size.
class Rate {
 public:
  void learn(double tasks, double busy_s) {
    busy_s = std::max(busy_s, 1e-6);  // a lease of a few nanoseconds measures as nothing
    const double fade = std::exp(-busy_s / kTau);
    tasks_ = tasks_ * fade + tasks;
    busy_ = busy_ * fade + busy_s;
  }
  /// Tasks per second of one slot; 0 when nothing is known.
  double per_second() const { return busy_ > 0 ? tasks_ / busy_ : 0; }
  /// Tasks this knowledge rests on: what a lease may grow from.
  double tasks_seen() const { return tasks_; }

 private:
  static constexpr double kTau = 2.0;
  double tasks_ = 0;
  double busy_ = 0;
};

struct FunctionRecord {
  Rate rate;
  std::uint64_t leases = 0;
  std::uint64_t tasks = 0;
  std::uint64_t busy_us = 0;
};

using FunctionRecords = std::map<std::string, FunctionRecord, std::less<>>;

}  // namespace quern::broker
