// Why a request is refused: a code for programs and a sentence for people.
#pragma once

#include <string>

#include "quern/status.hpp"

namespace quern::broker {

struct Refusal {
  ErrorCode code = ErrorCode::none;
  std::string text;
};

}  // namespace quern::broker
