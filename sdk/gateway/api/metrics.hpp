// /metrics in the text form of Prometheus. The number of series is bounded: no job, task, worker or
// principal is ever a label.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "quern/status.hpp"

namespace quern::gateway {

/// What the gateway counts about its own answers. One thread (the I/O thread).
class HttpMetrics {
 public:
  /// `route`: the path of the route, with its variables; empty if there was none.
  void observe(const std::string& route, unsigned status, double seconds);
  std::string text() const;

 private:
  static constexpr std::array<double, 8> kBounds = {0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60};
  struct Histogram {
    std::array<std::uint64_t, kBounds.size() + 1> counts{};
    double sum = 0;
  };
  std::map<std::pair<std::string, unsigned>, Histogram> requests_;
};

/// What the broker tells.
std::string metrics_of(const BrokerStatus& broker);
/// What the gateway tells about itself.
std::string gateway_metrics(std::size_t connections, std::size_t sessions, bool broker_up);

}  // namespace quern::gateway
