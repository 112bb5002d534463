// The callbacks of jobs, and the thread they are called on.
#pragma once

#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

#include "quern/job.hpp"

namespace quern::client {

using ProgressCallback = std::function<void(const Progress&)>;
using IntakeCallback = std::function<void(const Intake&)>;
using EndCallback = std::function<void(const Outcome&)>;

/// Calls both in turn; an exception of the first does not prevent the second call.
inline ProgressCallback both(ProgressCallback first, ProgressCallback second) {
  if (!first) return second;
  return [first = std::move(first), second = std::move(second)](const Progress& progress) {
    try {
      first(progress);
    } catch (...) {  // as documented: dropped
    }
    second(progress);
  };
}

/// Whether this is the thread that receives results: nothing arrives while it waits.
inline thread_local bool on_receiving_thread = false;

/// For calls that may block. Throws std::logic_error on the thread where they would wait forever.
inline void check_may_block(const char* call) {
  if (on_receiving_thread)
    throw std::logic_error(
        std::string(call) +
        " was called in a callback of the SDK: it would wait for its own thread; "
        "call it from another thread");
}

}  // namespace quern::client
