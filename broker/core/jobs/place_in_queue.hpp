// Where a job stands in the fair queue. The queue keeps this for itself, beside the job so that it
// is found without a search.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace quern::broker {

struct Level;
struct Party;
class Pool;

/// What jobs want of a pool.
struct Wanted {
  std::size_t jobs = 0;
  std::uint64_t tasks = 0;  ///< to be given out
  double work = 0;          ///< in them

  double unit() const { return tasks > 0 ? work / static_cast<double>(tasks) : 1; }  ///< of a task
};

/// Where a live job stands among those that want leases; kept by FairQueue.
struct PlaceInQueue {
  Level* level = nullptr;
  Party* party = nullptr;
  std::optional<double> key;     ///< nothing: it wants none
  const Pool* wants = nullptr;   ///< counted in the level's `wanted`,
  Wanted counted;                ///< as so much
  const Pool* queued = nullptr;  ///< with `key`: in its party's queue of this pool
};

}  // namespace quern::broker
