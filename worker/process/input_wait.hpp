// Whether a program waits for more input, according to the system calls in which its threads wait
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

/// For the program `pid` and its descendants. `pipe`: either end of its standard input.
InputWait input_wait_of(pid_t pid, int pipe);

}  // namespace quern::worker
