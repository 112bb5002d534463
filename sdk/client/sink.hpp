// Receives from the actor what happens to a job. Called on the actor's thread only.
#pragma once

#include <cstdint>
#include <optional>

#include "client/effects.hpp"

namespace quern::client {

class JobSink {
 public:
  virtual ~JobSink() = default;
  virtual void on_accepted(const Accepted& accepted) = 0;
  virtual void on_input_taken() = 0;
  /// Returns the cursor when entries below it may be acknowledged at once.
  virtual std::optional<std::uint64_t> on_results(wire::Results results) = 0;
  virtual void on_status(wire::JobUpdate update) = 0;
  virtual void on_ended(Ended ended) = 0;
  /// Calls the callbacks that are due, if there are any.
  virtual void show_progress() = 0;
};

}  // namespace quern::client
