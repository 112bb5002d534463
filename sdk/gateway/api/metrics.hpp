// /metrics in the text form of Prometheus. The number of series is bounded: no job, task, worker or
// principal is ever a label.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "quern/status.hpp"

namespace quern::gateway {

/// What the gateway counts about its own answers. One thread (the I/O thread).
class HttpMetrics {
 public:
  /// `route`: the path of the route, with its variables; empty if there was none.
  void observe(std::string_view route, unsigned status, double seconds);
  std::string text() const;

 private:
  // Each bound is a series for every route.
  static constexpr std::array<double, 4> kBounds = {0.005, 0.05, 0.5, 5};
  struct Requests {
    std::map<unsigned, std::uint64_t> by_status;
    std::array<std::uint64_t, kBounds.size() + 1> by_time{};
    double seconds = 0;
  };
  // The times are not kept for each status too: that would be most of all series.
  std::map<std::string, Requests, std::less<>> routes_;
};

/// What the broker tells.
std::string metrics_of(const BrokerStatus& broker);
/// What the gateway tells about itself.
struct GatewayStatus {
  std::size_t connections = 0;
  std::size_t sessions = 0;     ///< keys in use
  std::size_t sse_clients = 0;  ///< open streams of events
  bool broker_up = false;
};
std::string metrics_of(const GatewayStatus& gateway);

}  // namespace quern::gateway
