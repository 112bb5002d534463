// What is wrong with received bytes. Plain data, which the cores may include, unlike the codec.
#pragma once

#include <optional>
#include <string>

#include "quern/error.hpp"
#include "quern/ids.hpp"

namespace quern::wire {

/// Why bytes are not a message; `code` is malformed, limit or version. `job`: the error concerns
/// only this job, whose SUBMIT or APPEND breaks a rule.
struct DecodeError {
  ErrorCode code = ErrorCode::malformed;
  std::string text;
  std::optional<Uuid> job{};
};

}  // namespace quern::wire
