// Whether the broker was missing a moment ago.
#pragma once

#include <atomic>
#include <chrono>

#include "quern/error.hpp"

namespace quern::gateway {

/// Any thread.
class Absence {
 public:
  /// What a question to the broker ended with.
  void note(ErrorCode code) {
    if (code == ErrorCode::no_broker) noted_ = Clock::now().time_since_epoch();
  }
  /// Whether a question has found no broker within the last second.
  bool is_recent() const {
    const auto noted = noted_.load();
    return noted != kNever && Clock::now().time_since_epoch() - noted < kRecent;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kRecent{1};
  static constexpr Clock::duration kNever = Clock::duration::min();

  std::atomic<Clock::duration> noted_{kNever};
};

}  // namespace quern::gateway
