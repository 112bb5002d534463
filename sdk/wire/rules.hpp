// Rules between the fields of a message: what must hold for its lists, its batch and its kind. What
// concerns one field alone (its type, its bounds) is in keys.hpp. Pure; msgpack-free.
#pragma once

#include <optional>

#include "wire/codec.hpp"

namespace quern::wire {

/// The rule a decoded message breaks, if any; the text names the field.
std::optional<DecodeError> broken_rule(const Message& message);

}  // namespace quern::wire
