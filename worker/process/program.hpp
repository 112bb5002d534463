// Runs one program to its end, collecting what it writes.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "quern/bytes.hpp"
#include "worker/process/child.hpp"

namespace quern::worker {

struct ProgramRun {
  ChildPlan plan;                      ///< its descriptors are set here
  std::optional<BytesView> input;      ///< of its standard input; none: that is empty
  std::chrono::milliseconds timeout{0};  ///< 0: none
  std::function<bool()> cancelled;     ///< asked now and then
};

/// How it went.
struct ProgramEnd {
  enum class Why : std::uint8_t { ended, timed_out, cancelled, wrote_too_much };
  Why why = Why::ended;
  ChildEnd end;
  std::optional<StartError> start_error;  ///< set: it never ran
  Bytes out;
  Bytes err;
};

/// On the calling thread. A program that has to end gets SIGTERM, and SIGKILL half a second later, with all of its group. What its
/// group still runs when the program itself has ended is killed. Throws std::system_error when there are no descriptors.
ProgramEnd run_program(const ProgramRun& run);

}  // namespace quern::worker
