// Why something that a peer asks for is not done: a code for programs, a sentence for people.
#pragma once

#include <string>

#include "quern/status.hpp"

namespace quern::broker {

struct Refusal {
  ErrorCode code = ErrorCode::none;
  std::string text;
};

}  // namespace quern::broker
