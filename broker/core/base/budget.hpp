// A token bucket: so much at once, so much per second.
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
  /// Takes `amount`; false when more was taken than is tolerated. The debt is at most a burst, so
  /// it is over some time.
  bool take(double amount, const Allowance& allowance, wire::Time now) {
    refill(allowance, now);
    level_ = std::max(level_ - amount, -allowance.burst);
    return level_ >= 0;
  }
  /// Takes `amount` if there is so much; leaves it alone otherwise.
  bool try_take(double amount, const Allowance& allowance, wire::Time now) {
    refill(allowance, now);
    if (level_ < amount) return false;
    level_ -= amount;
    return true;
  }
  /// Takes `amount` however much that is: it is paid back at the allowance's speed.
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
