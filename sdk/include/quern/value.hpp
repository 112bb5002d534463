/// @file
/// Values (one msgpack value each) as JSON text, and back.
#pragma once

#include <optional>
#include <string>

#include "quern/bytes.hpp"

namespace quern {

/// Reads JSON text (RFC 8259) as a value. Integers stay integers. Any thread.
/// @param text one JSON value; white space around it is allowed
/// @return the value; nullopt when `text` is not exactly one JSON value, or one that is nested more
///         than 64 deep
std::optional<Bytes> value_from_json(BytesView text);

/// Prints a value as one line of JSON. Numbers that JSON has no form for (NaN, infinities) become
/// null, other floats get the fewest digits that identify them. Bytes that are not UTF-8 become
/// `{"base64": "..."}`, extension types get an "ext" key besides. A key that is no string becomes a
/// string with its JSON text. Any thread.
/// @param value one msgpack value
/// @return the JSON text; nullopt when `value` is not exactly one value, or one that is nested more
///         than 64 deep
std::optional<std::string> json_from_value(BytesView value);

}  // namespace quern
