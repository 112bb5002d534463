// Whether a program waits for more input: told by the system calls that its threads stand in
// (proc(5)). Any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace quern::worker {

enum class InputWait : std::uint8_t {
  waits,    ///< it, or a program that it started, reads the pipe, or waits for events
  works,    ///< all do something else
  unknown,  ///< the system does not tell
};

/// Of the program `pid` and all below it. `pipe`: either end of its standard input.
InputWait input_wait_of(pid_t pid, int pipe);

}  // namespace quern::worker
