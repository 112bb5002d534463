// A client process of a chaos run: it submits jobs with known answers, one after the other, and
// records what the broker tells it.
#pragma once

#include <cstdint>
#include <string>

#include "quern/options.hpp"

namespace quern::chaos {

struct ClientCall {
  std::string endpoint;
  std::string folder;   ///< of the run
  std::string journal;  ///< lines of what happened; written at once, so that they survive a kill
  std::string stop;     ///< once this file exists, no new job is submitted
  std::uint64_t seed = 0;
  std::string durability;
};

/// The options of a client that survives restarts of its broker.
ClientOptions options_of(const ClientCall& call);

/// Runs until the stop file exists and the last job has ended. Returns the exit code.
int run_client(const ClientCall& call);

/// Reads the detached jobs named in `jobs` (lines "NUMBER KIND SIZE SEED") and records how they
/// ended.
int run_collector(const ClientCall& call, const std::string& jobs);

}  // namespace quern::chaos
