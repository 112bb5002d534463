#include "keys/key_pair.hpp"

#include <sodium.h>

#include <array>

#include "keys/error.hpp"
#include "keys/sodium.hpp"
#include "keys/z85.hpp"

namespace quern::keys {
namespace {

using KeyBytes = std::array<unsigned char, 32>;
static_assert(crypto_box_PUBLICKEYBYTES == 32 && crypto_box_SECRETKEYBYTES == 32);

std::string text_of(const KeyBytes& bytes) {
  return z85_encode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

KeyPair new_key_pair() {
  start_sodium();
  for (;;) {
    KeyBytes open{}, secret{};
    crypto_box_keypair(open.data(), secret.data());
    KeyPair pair{text_of(open), text_of(secret)};
    sodium_memzero(secret.data(), secret.size());
    // Rejects one key in 85 that begins with a dash: on a command line it would be mistaken for an
    // option.
    if (!pair.public_key.starts_with('-')) return pair;
  }
}

std::string public_key_of(std::string_view secret_key) {
  start_sodium();
  const auto secret = is_key(secret_key) ? z85_decode(secret_key) : std::nullopt;
  if (!secret) throw KeyError("not a secret key (40 characters of Z85)");
  KeyBytes open{};
  if (crypto_scalarmult_base(open.data(), reinterpret_cast<const unsigned char*>(secret->data())) !=
      0)
    throw KeyError("the secret key is invalid: it has no public key");
  return text_of(open);
}

bool is_key(std::string_view text) {
  return text.size() == kKeyCharacters && z85_decode(text).has_value();
}

}  // namespace quern::keys
