// A broker and workers as children of this process: used by `quern up` and `quern bench`.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "cli/process/children.hpp"

namespace quern::cli {

struct ClusterPlan {
  std::string bind;  ///< endpoint; port 0: any free port
  unsigned workers = 1;
  unsigned slots = 1;  ///< of each worker
  std::vector<std::string> broker_options;
  std::vector<std::string> worker_options;
};

/// The broker did not start. It has printed the reason; this is its exit code.
struct BrokerFailed {
  int code;
};

/// Where quern-gateway serves.
struct HttpAddress {
  std::string url;
  std::string login;  ///< a link that logs a browser in, once; empty: there is none
};

class Cluster {
 public:
  /// Starts the broker, waits until it is ready, then starts the workers. Throws BrokerFailed.
  explicit Cluster(const ClusterPlan& plan);

  /// Starts quern-gateway beside them and returns its address. Nullopt if it does not start; it has
  /// printed the reason. Throws std::runtime_error if the program is not installed.
  std::optional<HttpAddress> start_gateway(std::vector<std::string> options);

  const std::string& endpoint() const { return endpoint_; }
  Child& broker() { return broker_; }
  std::vector<Child>& workers() { return workers_; }
  std::optional<Child>& gateway() { return gateway_; }

  /// Gives the workers this long to finish running tasks, then stops them and the broker.
  void stop(std::chrono::milliseconds patience);

 private:
  Child broker_;
  std::string endpoint_;
  std::vector<Child> workers_;
  std::optional<Child> gateway_;
};

/// Cores this process may use.
unsigned usable_cores();

}  // namespace quern::cli
