#include "keys/token.hpp"

#include <sodium.h>

#include "keys/error.hpp"
#include "keys/sodium.hpp"
#include "keys/z85.hpp"
#include "notation/base64.hpp"

namespace quern::keys {
namespace {

constexpr std::size_t kSeedBytes = 32;
static_assert(crypto_box_SEEDBYTES == kSeedBytes);

std::optional<std::string> seed_of(std::string_view token) {
  if (!token.starts_with(kTokenPrefix)) return std::nullopt;
  auto seed = notation::from_base64(token.substr(kTokenPrefix.size()), notation::Base64::url);
  if (!seed || seed->size() != kSeedBytes) return std::nullopt;
  return seed;
}

}  // namespace

std::string new_token() {
  for (;;) {
    const std::string token = std::string(kTokenPrefix) +
                              notation::base64(random_bytes(kSeedBytes), notation::Base64::url);
    // As new_key_pair(): a command line must not mistake the key for an option.
    if (!pair_of_token(token).public_key.starts_with('-')) return token;
  }
}

bool is_token(std::string_view text) { return seed_of(text).has_value(); }

KeyPair pair_of_token(std::string_view token) {
  start_sodium();
  auto seed = seed_of(token);
  if (!seed)
    throw KeyError(
        "not a token: a token is qk1- and 43 letters, digits, '-' or '_' "
        "(`quern keys token` makes one)");
  unsigned char open[crypto_box_PUBLICKEYBYTES];
  unsigned char secret[crypto_box_SECRETKEYBYTES];
  crypto_box_seed_keypair(open, secret, reinterpret_cast<const unsigned char*>(seed->data()));
  KeyPair pair{z85_encode({reinterpret_cast<const char*>(open), sizeof open}),
               z85_encode({reinterpret_cast<const char*>(secret), sizeof secret})};
  sodium_memzero(secret, sizeof secret);
  sodium_memzero(seed->data(), seed->size());
  return pair;
}

}  // namespace quern::keys
