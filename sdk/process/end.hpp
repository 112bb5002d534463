// How a child process ended, and the calls that reap it. Any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace quern::process {

struct End {
  int code = 0;
  int signal = 0;                  ///< 0: it exited by itself
  std::uint64_t memory_bytes = 0;  ///< maximum resident size

  /// The exit code, or 128 + signal as shells say it.
  int shell_code() const { return signal != 0 ? 128 + signal : code; }
};

/// Waits until the child has ended. Of a process that is no child of this one, it returns the code
/// 125, which must not count as success.
End reap(pid_t pid);
/// Nothing while the child runs, or if it is no child of this process.
std::optional<End> reap_if_ended(pid_t pid);

}  // namespace quern::process
