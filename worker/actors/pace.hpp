// How much to do between two readings of the clock, so that it takes about a given time: starts
// with one task, grows at most eightfold at a time, shrinks at once.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace quern::worker {

class Pace {
 public:
  using Duration = std::chrono::steady_clock::duration;

  explicit Pace(Duration target) : target_(target) {}

  std::uint64_t next() const { return next_; }

  void note(std::uint64_t tasks, Duration took) {
    if (tasks == 0) return;
    const std::uint64_t most = tasks > kMost / 8 ? kMost : 8 * tasks;
    const double ideal = static_cast<double>(tasks) * static_cast<double>(target_.count()) /
                         static_cast<double>(std::max<Duration::rep>(took.count(), 1));
    next_ = ideal >= static_cast<double>(most)
                ? most
                : std::max<std::uint64_t>(1, static_cast<std::uint64_t>(ideal));
  }

 private:
  static constexpr std::uint64_t kMost = 1ULL << 62;
  Duration target_;
  std::uint64_t next_ = 1;
};

}  // namespace quern::worker
