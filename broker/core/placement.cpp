#include "broker/core/placement.hpp"

#include <algorithm>
#include <limits>

namespace quern::broker {

Placement place(std::span<Candidate> candidates, std::uint64_t tasks) {
  double wait_s = std::numeric_limits<double>::infinity();
  for (; tasks > 0; --tasks) {
    auto best = std::min_element(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
      const double ca = completion_s(a), cb = completion_s(b);
      return ca != cb ? ca < cb : a.room > b.room;
    });
    if (best == candidates.end()) return {};
    if (best->room) return {best->worker, 0};
    wait_s = std::min(wait_s, best->ready_s);
    best->ready_s += 1.0 / (best->rate * best->slots);  // it will take this one when it is free
  }
  return {std::nullopt, wait_s};
}

}  // namespace quern::broker
