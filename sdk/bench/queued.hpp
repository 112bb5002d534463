// What a task costs that waits: memory of the broker.
#pragma once

#include <cstdint>

#include "bench/rig.hpp"

namespace quern::bench {

struct Queued {
  std::uint64_t tasks = 0;
  double bytes_per_task = 0;  ///< of the broker's resident memory
  double tasks_per_s = 0;     ///< handed in
};

/// Hands in tasks that no worker takes, looks at the broker, and cancels them. On a fresh broker of
/// the bench's own: memory that was used before is used again and would not show.
Queued measure_queued(Rig& rig, std::uint64_t tasks, std::uint32_t payload);

}  // namespace quern::bench
