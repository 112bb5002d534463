// A timeline of a run of a scenario: who did what when.
#pragma once

#include <string>

#include "sim/policy.hpp"
#include "sim/scenario.hpp"

namespace quern::sim {

/// The machines, from the first, whose slots find room in a drawing.
std::size_t shown_machines(const Scenario& scenario);
/// As SVG; the outcome holds the runs of shown_machines().
std::string drawing_of(const Scenario& scenario, Policy policy, const ScenarioOutcome& outcome);

}  // namespace quern::sim
