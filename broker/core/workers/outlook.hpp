// What one worker could do of all that waits in a priority. It is asked for each job that a worker
// is looked at for, so it is kept for some milliseconds: until then what others have learnt is not
// seen; what this one has, at once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/time.hpp"

namespace quern::broker {

class Pool;

struct Outlook {
  std::uint64_t kinds = 0;  ///< Level::kinds when it was made; 0: it was not
  wire::Time made{};
  const Pool* best_pool = nullptr;
  double best = 0;  ///< how good it is there beside the others (Pool::fitness()), what is not known
                    ///< counting as 1
  double second = 0;              ///< and at the second best
  std::size_t unknown = 0;        ///< kinds of which nobody has seen it do one
  bool able = false;              ///< it is known to do one of them, not badly
  bool good = false;              ///< or even well
  bool worth_a_try = false;       ///< to try what is not known takes less than there is left to do
  const Pool* longest = nullptr;  ///< of these, what all together need longest for,
  double longest_s = 0;           ///< and how long

  double best_beside(const Pool* pool) const { return pool == best_pool ? second : best; }
};

}  // namespace quern::broker
