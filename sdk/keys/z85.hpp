// Z85 (ZeroMQ RFC 32): 32 octets as 40 characters that survive a shell, a file and a line of a
// table. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace quern::keys {

/// `octets.size()` must be a multiple of 4.
std::string z85_encode(std::string_view octets);
/// Nullopt when the length is not a multiple of 5, a character is none of Z85's, or a group is
/// above 2^32 - 1.
std::optional<std::string> z85_decode(std::string_view text);

}  // namespace quern::keys
