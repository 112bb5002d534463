// Texts that only their author can read and nobody can change, to be kept by others, e.g. in a
// browser's cookie: XSalsa20-Poly1305 (libsodium's crypto_secretbox).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace quern::keys {

inline constexpr std::size_t kSealKeyBytes = 32;

/// The text, encrypted with a key of 32 bytes, in base64url. Each call gives another result. Any
/// thread.
std::string seal(std::string_view text, std::string_view key);
/// The text again; nothing if it was sealed with another key or was changed. Any thread.
std::optional<std::string> open_sealed(std::string_view sealed, std::string_view key);

}  // namespace quern::keys
