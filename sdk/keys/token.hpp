// Bearer tokens: keys as text that an HTTP client can carry. A token is the seed of a CURVE key
// pair, so it has a line in authorized_keys like any other key.
#pragma once

#include <string>
#include <string_view>

#include "keys/key_pair.hpp"

namespace quern::keys {

inline constexpr std::string_view kTokenPrefix = "qk1-";

/// A new token: "qk1-" and 32 bytes from the system's random source in base64url, 47 characters.
std::string new_token();
/// Whether a text has the form of a token.
bool is_token(std::string_view text);
/// The key pair of a token (libsodium's crypto_box_seed_keypair: X25519 of the seed's SHA-512).
/// Throws KeyError if the text is not a token; the text is never part of the message.
KeyPair pair_of_token(std::string_view token);

}  // namespace quern::keys
