// Z85 (ZeroMQ RFC 32): 32 bytes as 40 printable characters. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace quern::keys {

/// `bytes.size()` must be a multiple of 4.
std::string z85_encode(std::string_view bytes);
/// Nullopt when the length is not a multiple of 5, a character is not in the Z85 alphabet, or a
/// group is above 2^32 - 1.
std::optional<std::string> z85_decode(std::string_view text);

}  // namespace quern::keys
