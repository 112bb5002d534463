// Slots and the descriptors that they need.
#pragma once

#include <cstdint>

namespace quern::worker {

/// Raises the soft limit of open files to what so many slots need, and gives the number of slots
/// that the limit is enough for: a task must not fail for want of a descriptor. Warns when that is
/// fewer than `slots`. At least 1.
std::uint32_t slots_for_descriptors(std::uint32_t slots);

}  // namespace quern::worker
