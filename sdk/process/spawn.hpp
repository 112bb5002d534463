// Starts a program: the one place that forks and calls exec. POSIX and Linux only.
//
// Invariants: the kernel kills the new process when the thread that started it ends, also by
// kill -9, so start it from a thread that lives as long as it should. It leads a process group of
// its own, blocks no signal, and is ended by SIGINT, SIGTERM and SIGPIPE.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace quern::process {

/// What to start. Descriptors stay the caller's; -1 is /dev/null.
struct SpawnPlan {
  /// Program and arguments. A program without a slash is searched for in the PATH of `env`.
  std::vector<std::string> words;
  std::string file;              ///< of the program, if not found by words.front()
  std::vector<std::string> env;  ///< NAME=VALUE
  std::string folder;            ///< to run in; empty: this process's own
  int in = -1;
  int out = -1;
  int err = -1;
  int extra = -1;                  ///< becomes descriptor 3; -1: none
  std::uint64_t memory_bytes = 0;  ///< limit of its data; 0: none
  std::optional<unsigned> umask;   ///< none: this process's own
  /// One of our own programs: it stays in the session and keeps the descriptors that are not
  /// close-on-exec, the privileges, core dumps, and ignored signals (nohup). Others lose all of
  /// these.
  bool own = false;
};

/// Why a program could not be started: an errno, and what it refers to.
struct StartError {
  int error = 0;
  std::string text;
  bool folder = false;  ///< it refers to the folder to run in
};

/// The variables of this process, for SpawnPlan::env.
std::vector<std::string> own_environment();

/// The new process, which has called exec, and which the caller reaps (end.hpp). Throws
/// std::system_error if there is no descriptor for a pipe.
std::variant<pid_t, StartError> spawn(const SpawnPlan& plan);

}  // namespace quern::process
