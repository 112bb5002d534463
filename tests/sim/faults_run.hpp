// A run of the whole system under faults: every answer is checked, and everything must finish in
// the end.
#pragma once

#include <cstdint>
#include <string>

#include "broker/core/base/config.hpp"
#include "worker/core/config.hpp"

namespace quern::sim {

struct Mistakes {
  broker::Mistake broker = broker::Mistake::none;
  worker::Mistake worker = worker::Mistake::none;
};

struct FaultsOutcome {
  std::string trouble;
  std::uint64_t steps = 0;
  std::uint64_t jobs = 0;
  double virtual_s = 0;
  std::uint64_t restarts = 0;
};

/// What some of the jobs do besides.
struct Features {
  bool edges = false;   ///< they take the results of others
  bool nested = false;  ///< their tasks submit jobs and wait for them
};

/// Injects faults for a while; then everything heals and must finish.
FaultsOutcome run_under_faults(std::uint64_t seed, const Mistakes& mistakes,
                               Features features = {});

/// Runs a seed in a separate process, because a mistake may also abort an invariant check. Returns
/// what was found; empty if nothing was.
std::string found_by(std::uint64_t seed, const Mistakes& mistakes);

}  // namespace quern::sim
