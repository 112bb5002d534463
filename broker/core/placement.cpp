#include "broker/core/placement.hpp"

#include <algorithm>

namespace quern::broker {

std::optional<std::size_t> place(std::span<Candidate> candidates, std::uint64_t tasks) {
  for (; tasks > 0; --tasks) {
    auto best = std::min_element(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
      const double ca = completion_s(a), cb = completion_s(b);
      return ca != cb ? ca < cb : a.room > b.room;
    });
    if (best == candidates.end()) return std::nullopt;
    if (best->room) return best->worker;
    best->ready_s += 1.0 / (best->rate * best->slots);  // it will take this one when it is free
  }
  return std::nullopt;
}

}  // namespace quern::broker
