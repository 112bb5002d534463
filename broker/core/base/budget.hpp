// A token bucket: a burst at once, and a sustained rate per second.
#pragma once

#include <algorithm>

#include "wire/time.hpp"

namespace quern::broker {

/// How much of something is tolerated.
struct Allowance {
  double burst = 0;
  double per_s = 0;
};

class Budget {
 public:
  /// Takes `amount`; false if more was taken than is tolerated. The debt is at most one burst, so
  /// that it ends at some time.
  bool take(double amount, const Allowance& allowance, wire::Time now) {
    refill(allowance, now);
    level_ = std::max(level_ - amount, -allowance.burst);
    return level_ >= 0;
  }
  /// Takes `amount` if it is available; otherwise takes nothing.
  bool try_take(double amount, const Allowance& allowance, wire::Time now) {
    refill(allowance, now);
    if (level_ < amount) return false;
    level_ -= amount;
    return true;
  }
  /// Takes `amount` regardless of the level; the debt is paid back at the allowance's rate.
  void charge(double amount, const Allowance& allowance, wire::Time now) {
    refill(allowance, now);
    level_ -= amount;
  }
  bool in_debt(const Allowance& allowance, wire::Time now) {
    refill(allowance, now);
    return level_ < 0;
  }
  bool is_full(const Allowance& allowance, wire::Time now) {
    refill(allowance, now);
    return level_ >= allowance.burst;
  }

 private:
  void refill(const Allowance& allowance, wire::Time now) {
    if (!started_)
      level_ = allowance.burst;
    else
      level_ = std::min(allowance.burst, level_ + std::chrono::duration<double>(now - at_).count() *
                                                      allowance.per_s);
    started_ = true;
    at_ = now;
  }

  bool started_ = false;
  double level_ = 0;
  wire::Time at_{};
};

}  // namespace quern::broker
