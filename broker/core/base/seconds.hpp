// Durations as seconds, for the arithmetic of rates and estimates.
#pragma once

#include <chrono>

#include "wire/time.hpp"

namespace quern::broker {

inline double seconds(wire::Duration d) { return std::chrono::duration<double>(d).count(); }
inline wire::Duration duration(double s) {
  return std::chrono::duration_cast<wire::Duration>(std::chrono::duration<double>(s));
}

}  // namespace quern::broker
