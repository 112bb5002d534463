// Where a lease goes: C = min over workers of (ready_j + T_i / R_j).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace quern::broker {

/// What placement knows of one worker that could run a task.
struct Candidate {
  std::size_t worker = 0;  ///< the caller's index
  double ready_s = 0;      ///< until one of its slots is free, estimated
  double rate = 0;         ///< tasks/s of one slot, > 0
  std::uint32_t slots = 1;
  bool room = false;  ///< may be given a lease now
};

/// The earliest completion of one task (or unit of work) on a candidate.
inline double completion_s(const Candidate& c) { return c.ready_s + 1.0 / c.rate; }

/// What was chosen.
struct Placement {
  std::optional<std::size_t>
      worker;         ///< nothing: waiting for busy but faster workers beats every worker with room
  double wait_s = 0;  ///< then: until the first of those should be free
  std::uint64_t passed = 0;  ///< busy workers that were thought of meanwhile
};

/// Chooses by earliest completion, one lease after the other; each choice costs the logarithm of
/// the number of candidates.
class Placer {
 public:
  /// Begins anew.
  void begin(std::vector<Candidate>&& candidates);
  /// `tasks` still to be placed: when the best worker has no room, it is assumed to take the next
  /// of them when it is free, and the choice goes on for the others, until a worker with room is
  /// best.
  Placement next(std::uint64_t tasks);
  /// The one that was chosen last got its lease, and this is how it stands now.
  void placed(double ready_s, bool room);
  bool empty() const { return heap_.empty(); }
  std::vector<Candidate>& storage() { return heap_; }

 private:
  std::vector<Candidate> heap_;  ///< the earliest completion on top
};

}  // namespace quern::broker
