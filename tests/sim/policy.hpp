// How other systems distribute work: baselines that run the same scenario in a small simulation
// instead of the production cores. As there, a machine knows a task one round trip after its
// submission, and the client knows the result one after its end.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sim/scenario.hpp"

namespace quern::sim {

enum class Policy {
  quern,         ///< the production cores
  pull,          ///< an idle slot takes the next task in the order of submission, with a round trip
                 ///< between two
  round_robin,   ///< task i to slot i mod slots
  static_equal,  ///< each slot gets an equal share of neighbouring tasks
  static_proportional,  ///< shares by the true initial rates of the slots for that function
};

std::string_view name_of(Policy policy);
std::optional<Policy> policy_named(std::string_view name);
/// "quern, pull, ...".
std::string policy_names();

/// The number of tasks per pull: one, or more in jobs so large that the simulation would take long.
std::uint64_t chunk_of(const ScenarioJob& job);

/// For all policies except `quern`. The unfinished work of a vanished machine is known as lost
/// after 3 s; it goes to free slots (pull) or is distributed again by the same rule.
ScenarioOutcome play_policy(const Scenario& scenario, Policy policy, const PlayOptions& options);

}  // namespace quern::sim
