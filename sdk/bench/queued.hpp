// The cost of a queued task: memory of the broker.
#pragma once

#include <cstdint>

#include "bench/rig.hpp"

namespace quern::bench {

struct Queued {
  std::uint64_t tasks = 0;
  double bytes_per_task = 0;  ///< of the broker's resident memory
  double tasks_per_s = 0;     ///< submitted
};

/// Submits tasks that no worker takes, measures the broker, and cancels them. Needs a new broker:
/// memory that was used before would be reused and not counted.
Queued measure_queued(Rig& rig, std::uint64_t tasks, std::uint32_t payload);

}  // namespace quern::bench
