// The command line of quern-gateway.
#pragma once

#include <optional>
#include <string>

#include "gateway/broker/sessions.hpp"
#include "gateway/http/server.hpp"

namespace quern::gateway {

struct Options {
  ServerOptions server;
  SessionOptions broker;
  std::string seed_keys;   ///< folder of the key for callers without a token; empty: none
  std::string seed_token;  ///< its token
  std::string state;       ///< file of the seed's queues; empty: none
};

struct ParsedOptions {
  std::optional<Options> options;
  int exit_code = 0;  ///< without options: --help was shown, or a mistake was reported
};

ParsedOptions parse_options(int argc, char** argv);

}  // namespace quern::gateway
