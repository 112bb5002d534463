// The descriptors that slots need.
#pragma once

#include <cstdint>

namespace quern::worker {

/// Raises the soft limit of open files to what this number of slots needs, and returns the number
/// of slots for which the limit is sufficient, at least 1, because a task must not fail for lack of
/// a descriptor. Warns if that is less than `slots`.
std::uint32_t slots_for_descriptors(std::uint32_t slots);

}  // namespace quern::worker
