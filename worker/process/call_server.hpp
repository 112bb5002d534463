// A function as a program: items in, answers out, over standard input and output
// (Command::Frame::call). This is how a plugin that was sent with a job runs: in a process of its
// own, which `filter` feeds.
#pragma once

#include <string>

#include "quern/worker.hpp"

namespace quern::worker {

/// Serves the function of this name until standard input ends; the exit code. What the function
/// prints goes to standard error.
int serve_call(const Functions& functions, const std::string& name);

}  // namespace quern::worker
