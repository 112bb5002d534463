// The position of a job in the fair queue. It belongs to the queue, but is stored with the job so
// that no lookup is needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace quern::broker {

struct Level;
struct Party;
class Pool;

/// What jobs want from a pool.
struct Wanted {
  std::size_t jobs = 0;
  std::uint64_t tasks = 0;  ///< pending tasks
  double work = 0;          ///< in these tasks

  double unit() const { return tasks > 0 ? work / static_cast<double>(tasks) : 1; }  ///< per task
};

/// The position of a live job among those that want leases; updated by FairQueue.
struct PlaceInQueue {
  Level* level = nullptr;
  Party* party = nullptr;
  std::optional<double> key;     ///< empty: it wants no leases
  const Pool* wants = nullptr;   ///< the pool under which it is counted in the level's `wanted`,
  Wanted counted;                ///< and the counted amounts
  const Pool* queued = nullptr;  ///< with `key`: it is in its party's queue for this pool
};

}  // namespace quern::broker
