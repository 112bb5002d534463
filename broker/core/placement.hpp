// Where a lease goes: C = min over workers of (ready_j + T_i / R_j).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace quern::broker {

/// What placement knows of one worker that could run a task.
struct Candidate {
  std::size_t worker = 0;  ///< the caller's index
  double ready_s = 0;      ///< until one of its slots is free, estimated
  double rate = 0;         ///< tasks/s of one slot, > 0
  std::uint32_t slots = 1;
  bool room = false;       ///< may be given a lease now
};

/// The earliest completion of one task (or unit of work) on a candidate.
inline double completion_s(const Candidate& c) { return c.ready_s + 1.0 / c.rate; }

/// What place() chose.
struct Placement {
  std::optional<std::size_t> worker;  ///< nothing: waiting for busy but faster workers beats every worker with room
  double wait_s = 0;                  ///< then: until the first of those should be free
};

/// Chooses by earliest completion. `tasks` still to be placed: when the best worker has no room, it is assumed to take the next of them
/// when it is free, and the choice goes on for the others, until a worker with room is best.
Placement place(std::span<Candidate> candidates, std::uint64_t tasks);

}  // namespace quern::broker
