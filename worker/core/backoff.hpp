// The delay before the next attempt: doubled each time, up to a limit; reset after a success.
#pragma once

#include <algorithm>
#include <chrono>

namespace quern::worker {

class Backoff {
 public:
  Backoff(std::chrono::milliseconds first, std::chrono::milliseconds most)
      : first_(first), most_(most) {}

  std::chrono::milliseconds next() {
    const auto wait = next_;
    next_ = std::min(2 * next_, most_);
    return wait;
  }
  void reset() { next_ = first_; }

 private:
  std::chrono::milliseconds first_;
  std::chrono::milliseconds most_;
  std::chrono::milliseconds next_ = first_;
};

}  // namespace quern::worker
