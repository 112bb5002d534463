// Chooses where a lease goes by earliest completion: C = min over workers of (ready_j + T_i / R_j).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace quern::broker {

/// What placement knows about a worker that could run a task.
struct Candidate {
  std::size_t worker = 0;  ///< the caller's index
  double ready_s = 0;      ///< estimated time until one of its slots is free
  double rate = 0;         ///< tasks/s of one slot, > 0
  std::uint32_t slots = 1;
  bool room = false;  ///< whether it may get a lease now
};

/// The earliest completion of one task (or unit of work) on a candidate.
inline double completion_s(const Candidate& c) { return c.ready_s + 1.0 / c.rate; }

struct Placement {
  std::optional<std::size_t>
      worker;         ///< empty: waiting for busy but faster workers beats every worker with room
  double wait_s = 0;  ///< in that case: time until the first of those should be free
  std::uint64_t passed = 0;  ///< busy workers that were considered before the choice was made
};

/// Chooses by earliest completion, one lease after the other. Each choice costs the logarithm of
/// the number of candidates.
class Placer {
 public:
  /// Starts over with new candidates.
  void begin(std::vector<Candidate>&& candidates);
  /// `tasks`: how many are still to be placed. While the best worker has no room, it is assumed to
  /// take one of them as soon as it is free, and the choice continues for the rest until the best
  /// worker has room.
  Placement next(std::uint64_t tasks);
  /// The candidate chosen last got its lease; these are its new values.
  void placed(double ready_s, bool room);
  bool empty() const { return heap_.empty(); }
  std::vector<Candidate>& storage() { return heap_; }

 private:
  std::vector<Candidate> heap_;  ///< earliest completion on top
};

}  // namespace quern::broker
