// Whether a job can be split. Decided once per job, from its input and from what the function
// declares. See PROTOCOL.md, "Decision table".
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

/// The properties of a job that the decision depends on.
struct JobShape {
  std::string function;
  InputKind input = InputKind::whole;
  std::string reduce;  ///< the reducer that the client asked for
};

/// `offers`: how the connected workers declare this function; not empty.
std::variant<Decision, Misfit> decide(const JobShape& job, const std::vector<FunctionDecl>& offers);

}  // namespace quern::broker
