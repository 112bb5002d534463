// Scenarios that people write: JSON, described in README.md of this room and in `quern-sim --help`.
#pragma once

#include <string>

#include "sim/scenario.hpp"

namespace quern::sim {

/// Throws std::runtime_error with the key and what is expected of it.
Scenario scenario_of_json(const std::string& text);
/// The same for a file; the reason begins with its path.
Scenario scenario_of_file(const std::string& path);
/// Whether a name given for a scenario is that of a file.
bool is_scenario_file(const std::string& name);

}  // namespace quern::sim
