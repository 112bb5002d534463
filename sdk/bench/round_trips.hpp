// One no-op task at a time, from submit to result, and bare libzmq over the same four hops.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/rig.hpp"

namespace quern::bench {

/// Bytes of the task.
inline constexpr std::uint32_t kRoundTripPayload = 16;

/// Percentiles of each repeat.
struct Percentiles {
  std::vector<double> p50;
  std::vector<double> p99;

  void add(const std::vector<double>& samples);
};

struct RoundTrips {
  Percentiles ours, bare;
};

/// The first round trips, which are not counted (connections, the first lease).
void warm_up(Rig& rig);
/// `count` round trips of each. Throws std::runtime_error for a wrong result.
void measure_round_trips(Rig& rig, std::uint64_t count, RoundTrips& found);

}  // namespace quern::bench
