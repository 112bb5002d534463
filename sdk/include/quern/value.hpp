// Values (one msgpack value each) as people read them.
#pragma once

#include <optional>
#include <string>

#include "quern/bytes.hpp"

namespace quern {

/// Reads JSON text as a value; integers stay integers. nullopt when it is not exactly one JSON
/// value, or one nested more than 64 deep. Any thread.
std::optional<Bytes> value_from_json(BytesView text);

/// A value as one line of JSON: floats with their shortest digits, NaN and infinities as null,
/// octets that are no text as
/// {"base64": "..."}, keys that are no strings as their own JSON text in a string. nullopt when the
/// bytes are not exactly one value, or one nested more than 64 deep. Any thread.
std::optional<std::string> json_from_value(BytesView value);

}  // namespace quern
