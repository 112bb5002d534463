// Decomposable or not? Decided once per job from its input and from what the function declares.
// PROTOCOL.md, "Decision table".
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "broker/core/base/decision.hpp"
#include "quern/status.hpp"

namespace quern::broker {

/// The input does not fit the function; the text says what to do.
struct Misfit {
  std::string text;
};

/// What of a job the decision depends on.
struct JobShape {
  std::string function;
  InputKind input = InputKind::whole;
  std::string reduce;  ///< asked for by the client
};

/// `offers`: the declarations of this function by the workers that are here; not empty.
std::variant<Decision, Misfit> decide(const JobShape& job, const std::vector<FunctionDecl>& offers);

}  // namespace quern::broker
