// Values (one msgpack value each) as people read them.
#pragma once

#include <optional>
#include <string>

#include "quern/bytes.hpp"

namespace quern {

/// Reads JSON text as a value. nullopt when it is not JSON. Any thread.
std::optional<Bytes> value_from_json(BytesView text);

/// A value as one line of JSON; binary strings become base64 in {"base64": "..."}; nullopt when the bytes are not one value.
std::optional<std::string> json_from_value(BytesView value);

}  // namespace quern
