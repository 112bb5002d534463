// Monte Carlo for pi.
#pragma once

#include <cstdint>

#include "quern/input.hpp"

namespace quern::functions {

/// How many of the points with these indices lie in the quarter circle. A point is a function of
/// its index alone, and hits are integers, so the total does not depend on how the range was cut.
std::uint64_t quarter_circle_hits(Range range);

}  // namespace quern::functions
