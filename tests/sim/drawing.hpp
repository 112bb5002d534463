// The timeline of a run of a scenario: what each machine did when.
#pragma once

#include <string>

#include "sim/policy.hpp"
#include "sim/scenario.hpp"

namespace quern::sim {

/// The number of machines, from the first, whose slots fit into a drawing.
std::size_t shown_machines(const Scenario& scenario);
/// The timeline as SVG; the outcome must contain the runs of shown_machines().
std::string drawing_of(const Scenario& scenario, Policy policy, const ScenarioOutcome& outcome);

}  // namespace quern::sim
