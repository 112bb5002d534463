// The time type of the pure cores. A core never reads a clock: every event brings its time.
#pragma once

#include <chrono>

namespace quern::wire {

using Time = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

}  // namespace quern::wire
