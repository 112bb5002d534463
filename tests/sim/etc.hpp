// Scenarios made of a table of expected times to compute (ETC): one time per task and machine,
// known to the scheduler.
#pragma once

#include <random>
#include <vector>

#include "sim/scenario.hpp"

namespace quern::sim {

using EtcTable = std::vector<std::vector<double>>;  ///< by task, then by machine

/// Each task is a job of its own function with declared rates.
Scenario etc_of(const EtcTable& times);

/// From an ETC file (tasks, machines, a third number, then a time per task and machine): made into
/// a scenario by etc_of(). Throws std::runtime_error with the reason.
Scenario scenario_of_etc(const std::string& path);

enum class Consistency {
  consistent,  ///< a machine that is faster at one task is faster at all
  semi,        ///< every other machine is consistent
  inconsistent,
};

/// 1,024 tasks on 32 machines by the range-based method of Braun et al., "A Comparison of Eleven
/// Static Heuristics ...", J. Parallel and Distributed Computing 61 (2001): high heterogeneity of
/// tasks (3000) and of machines (1000).
EtcTable range_based_times(Consistency consistency, std::mt19937_64& random);

}  // namespace quern::sim
