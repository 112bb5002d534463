// The output of quern-sim for a scenario: one JSON object for a run, or for many seeds.
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
      0;  ///< 0: one run in full detail; otherwise this many from `seed` on, summarised
  double at_most =
      0;  ///< the largest ratio to the ideal (the median of many seeds) that succeeds; 0: any
  std::string timeline;  ///< file for the drawing of a single run; empty: none
};

/// Runs the scenario and prints the outcome. Returns the exit code. Throws std::runtime_error if
/// the timeline cannot be written.
int show(const CaseRequest& request);

}  // namespace quern::sim
