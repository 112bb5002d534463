// What quern-sim prints of a scenario: one object of JSON for a run, or for many seeds.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "sim/policy.hpp"
#include "sim/scenario.hpp"

namespace quern::sim {

struct CaseRequest {
  std::function<Scenario(std::uint64_t seed)> make;
  Policy policy = Policy::quern;
  std::uint64_t seed = 1;
  std::uint64_t seeds =
      0;  ///< 0: one run, told in full; else so many from `seed` on, told together
  double at_most =
      0;  ///< ratio to the ideal (of many seeds: their median) that still is a success; 0: any
  std::string timeline;  ///< file for a drawing of a single run; empty: none
};

/// Plays it and prints what came of it; the exit code. Throws std::runtime_error when the timeline
/// cannot be written.
int show(const CaseRequest& request);

}  // namespace quern::sim
