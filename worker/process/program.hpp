// Runs one program to its end, collecting what it writes.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "quern/bytes.hpp"
#include "worker/process/child.hpp"

namespace quern::worker {

struct ProgramRun {
  ChildPlan plan;  ///< its outputs are set here, and its input where there is `input`
  std::optional<BytesView> input;        ///< of its standard input; none: as the plan has it
  std::chrono::milliseconds timeout{0};  ///< 0: none
  std::function<bool()> cancelled;       ///< asked now and then
};

/// What a program wrote. Of too much the middle is left out.
struct Captured {
  Bytes bytes;
  std::size_t head = 0;        ///< octets before those that are left out
  std::uint64_t left_out = 0;  ///< 0: none are

  /// Makes it smaller, from the middle.
  void shrink();
};

/// How it went.
struct ProgramEnd {
  enum class Why : std::uint8_t { ended, timed_out, cancelled };
  Why why = Why::ended;
  ChildEnd end;
  std::optional<StartError> start_error;  ///< set: it never ran
  Captured out;
  Captured err;
};

/// On the calling thread. A program that has to end gets SIGTERM, and SIGKILL half a second later,
/// with all of its group. What its group still runs when the program itself has ended is killed.
/// Throws std::system_error when there are no descriptors.
ProgramEnd run_program(const ProgramRun& run);

}  // namespace quern::worker
