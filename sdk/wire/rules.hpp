// Rules between the fields of a message: conditions on its lists, its batch and its kind. Rules
// for a single field (its type, its bounds) are in keys.hpp. Pure; msgpack-free.
#pragma once

#include <optional>

#include "wire/codec.hpp"

namespace quern::wire {

/// The rule that a decoded message breaks, if any; the text names the field.
std::optional<DecodeError> broken_rule(const Message& message);

}  // namespace quern::wire
