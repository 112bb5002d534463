// The command line of quern-gateway.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "gateway/broker/sessions.hpp"
#include "gateway/http/server.hpp"

namespace quern::gateway {

struct Options {
  ServerOptions server;
  SessionOptions broker;
  std::string seed_keys;     ///< folder of the key for callers without a token; empty: none
  std::string seed_token;    ///< its token
  std::string state;         ///< file of the seed's queues; empty: none
  std::string people;        ///< file of people's answers; empty: they are not kept
  std::string people_token;  ///< of the key that takes leases for people; empty: none does
  std::chrono::seconds upload_wait{60};  ///< how long an upload may wait for room at the broker
  std::string audit;                     ///< folder of the audit log
  std::string login_token;  ///< as which the one-time code logs a browser in; empty: no code
  std::string login_key;    ///< file of the key that seals logins; empty: a new key
};

struct ParsedOptions {
  std::optional<Options> options;
  int exit_code = 0;  ///< without options: --help was shown, or a mistake was reported
};

ParsedOptions parse_options(int argc, char** argv);

}  // namespace quern::gateway
