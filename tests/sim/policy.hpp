// How others share work out: baselines that play the same scenario, each in a small simulation of
// its own, not through the production cores. As there, a task is known to a machine a round trip
// after its submission, and its result to the client one after its end.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sim/scenario.hpp"

namespace quern::sim {

enum class Policy {
  quern,  ///< the production cores
  pull,   ///< a slot that is idle takes the next in the order of submission; a round trip lies
          ///< between two
  round_robin,          ///< task i to slot i mod slots
  static_equal,         ///< each slot an equal share, neighbours together
  static_proportional,  ///< shares by the slots' true rates for that function at the beginning
};

std::string_view name_of(Policy policy);
std::optional<Policy> policy_named(std::string_view name);
/// "quern, pull, ...".
std::string policy_names();

/// Tasks a pull takes: one, and more where a job is so large that the simulation would take long.
std::uint64_t chunk_of(const ScenarioJob& job);

/// Any but `quern`. What a machine that vanishes has not done is known as lost after 3 s, and goes
/// to who is free (pull) or is dealt anew by the same rule to those that are left.
ScenarioOutcome play_policy(const Scenario& scenario, Policy policy, const PlayOptions& options);

}  // namespace quern::sim
