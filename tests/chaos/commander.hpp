// A client process of a chaos run that submits commands and records how each of them ended.
#pragma once

#include <string>

#include "chaos/client.hpp"

namespace quern::chaos {

/// Runs until the stop file exists and the last job has ended. Returns the exit code.
int run_commander(const ClientCall& call);

/// Reads the detached jobs named in `jobs` (lines "NAME NUMBER WORDS") and records how they
/// ended.
int run_command_collector(const ClientCall& call, const std::string& jobs);

}  // namespace quern::chaos
