// The time of day, for what outlives the gateway: logins and answers on disk.
#pragma once

#include <chrono>
#include <cstdint>

namespace quern::gateway {

/// Seconds of UTC since 1970.
inline std::int64_t wall_clock_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace quern::gateway
