// Points in time as text, in UTC. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>

namespace quern::notation {

/// Seconds since 1970 as 2026-11-25T21:45:41Z; outside the years 0 to 9999, the number itself.
std::string moment_text(std::int64_t seconds);

}  // namespace quern::notation
