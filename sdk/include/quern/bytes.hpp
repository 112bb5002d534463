// Octet strings of the public interface.
#pragma once

#include <string>
#include <string_view>

namespace quern {

/// Owned octets. A std::string because small results (8 bytes) then need no allocation; never text
/// unless said so.
using Bytes = std::string;

/// Borrowed octets; valid as long as what they were taken from.
using BytesView = std::string_view;

/// How bytes are to be understood. `raw`: as they are. `value`: one msgpack value.
enum class Encoding : unsigned char { raw = 0, value = 1 };

}  // namespace quern
