// How a job ends.
#pragma once

#include <string>

#include "quern/error.hpp"
#include "quern/status.hpp"

namespace quern::broker {

struct Ending {
  JobState state = JobState::done;
  ErrorCode code = ErrorCode::none;
  std::string reason;
};

}  // namespace quern::broker
