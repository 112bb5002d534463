// CURVE key pairs, as libzmq takes them: 40 characters of Z85 each.
#pragma once

#include <string>
#include <string_view>

namespace quern::keys {

inline constexpr std::size_t kKeyCharacters = 40;

struct KeyPair {
  std::string public_key;
  std::string secret_key;
  bool operator==(const KeyPair&) const = default;
};

/// A new pair from the system's random source (libsodium's crypto_box_keypair: X25519).
KeyPair new_key_pair();
/// The public half of a secret key. Throws KeyError if it is invalid.
std::string public_key_of(std::string_view secret_key);
/// Whether a text can be a key at all.
bool is_key(std::string_view text);

}  // namespace quern::keys
