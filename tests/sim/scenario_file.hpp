// Scenarios in JSON files; README.md in this folder and `quern-sim --help` describe the format.
#pragma once

#include <string>

#include "sim/scenario.hpp"

namespace quern::sim {

/// Throws std::runtime_error that names the key and the expected value.
Scenario scenario_of_json(const std::string& text);
/// The same for a file; the message begins with its path.
Scenario scenario_of_file(const std::string& path);
/// Whether the name of a scenario is the name of a file.
bool is_scenario_file(const std::string& name);

}  // namespace quern::sim
