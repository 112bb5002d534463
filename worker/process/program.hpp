// Runs one program to its end, collecting what it writes.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "process/end.hpp"
#include "process/spawn.hpp"
#include "quern/bytes.hpp"
#include "worker/process/child.hpp"

namespace quern::worker {

struct ProgramRun {
  process::SpawnPlan plan;         ///< its outputs are set here, and its input if `input` is set
  std::optional<BytesView> input;  ///< of its standard input; none: as the plan has it
  std::chrono::milliseconds timeout{0};  ///< 0: none
  std::function<bool()> cancelled;       ///< asked now and then
};

/// The output of a program. If it is too large, the middle is dropped.
struct Captured {
  Bytes bytes;
  std::size_t head = 0;        ///< bytes before the dropped ones
  std::uint64_t left_out = 0;  ///< 0: nothing was dropped

  /// Reduces its size by dropping from the middle.
  void shrink();
};

/// How the program ended.
struct ProgramEnd {
  enum class Why : std::uint8_t { ended, timed_out, cancelled };
  Why why = Why::ended;
  process::End end;
  std::optional<process::StartError> start_error;  ///< set: it never ran
  Captured out;
  Captured err;
};

/// Runs on the calling thread. A program that must end gets SIGTERM, and SIGKILL half a second
/// later, with its whole group. When the program itself has ended, the rest of its group is killed.
/// Throws std::system_error if there are no descriptors.
ProgramEnd run_program(const ProgramRun& run);

}  // namespace quern::worker
