// How well suited one worker is to all work that waits in a priority. It is needed for every job
// that is considered for the worker, so it is kept for some milliseconds. Until then, what other
// workers have learnt is ignored; what this worker has learnt counts at once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/time.hpp"

namespace quern::broker {

class Pool;

struct Outlook {
  std::uint64_t kinds = 0;  ///< Level::kinds when it was computed; 0: it was not computed
  wire::Time made{};
  const Pool* best_pool = nullptr;
  double best = 0;    ///< its fitness there (Pool::fitness()); an unknown function counts as 1
  double second = 0;  ///< the second best fitness
  std::size_t unknown = 0;        ///< kinds of work that it has never been measured on
  bool able = false;              ///< it is known to do at least one kind acceptably
  bool good = false;              ///< it is known to do at least one kind well
  bool worth_a_try = false;       ///< exploring the unknown kinds takes less time than the work
                                  ///< that is left
  const Pool* longest = nullptr;  ///< the unknown kind with the most work left, measured in time of
                                  ///< all its workers,
  double longest_s = 0;           ///< and that time

  double best_beside(const Pool* pool) const { return pool == best_pool ? second : best; }
};

}  // namespace quern::broker
