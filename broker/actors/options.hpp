// The command line of quern-broker.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/actors/guard.hpp"
#include "broker/core/base/config.hpp"
#include "runtime/log.hpp"

namespace quern::broker {

struct BrokerOptions {
  std::vector<std::string> endpoints;
  Config config;
  GuardOptions guard;
  std::string store;         ///< the folder; empty: none
  bool check_store = false;  ///< verify it instead of serving
  runtime::LogLevel log_level = runtime::LogLevel::info;
};

/// Parses the command line; for --help, --version or an error, prints a text and returns the exit
/// code instead.
struct ParsedOptions {
  std::optional<BrokerOptions> options;
  int exit_code = 0;
};
ParsedOptions parse_options(int argc, char** argv);

}  // namespace quern::broker
