// What is wrong with bytes that came in. Plain data: the cores may know it, unlike the codec.
#pragma once

#include <optional>
#include <string>

#include "quern/error.hpp"
#include "quern/ids.hpp"

namespace quern::wire {

/// Why bytes are not a message; `code` is malformed, limit or version. `job`: it is about this one
/// only, a SUBMIT or an APPEND that breaks a rule.
struct DecodeError {
  ErrorCode code = ErrorCode::malformed;
  std::string text;
  std::optional<Uuid> job{};
};

}  // namespace quern::wire
