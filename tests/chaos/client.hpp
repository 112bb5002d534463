// A client process of a chaos run: it submits jobs whose answers it knows, one after the other, and
// writes down what it was told.
#pragma once

#include <cstdint>
#include <string>

#include "quern/options.hpp"

namespace quern::chaos {

struct ClientCall {
  std::string endpoint;
  std::string folder;   ///< of the run
  std::string journal;  ///< lines of what happened; written at once, so that they survive a kill
  std::string stop;     ///< once this file is there, no new job is begun
  std::uint64_t seed = 0;
  std::string durability;
};

/// What a client that outlives the restarts of its broker is started with.
ClientOptions options_of(const ClientCall& call);

/// Runs until the stop file is there and the last job has ended. The exit code.
int run_client(const ClientCall& call);

/// Reads the detached jobs named in `jobs` (lines "NUMBER KIND SIZE SEED") and writes down how they
/// ended.
int run_collector(const ClientCall& call, const std::string& jobs);

}  // namespace quern::chaos
