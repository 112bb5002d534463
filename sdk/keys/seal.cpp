#include "keys/seal.hpp"

#include <sodium.h>

#include <cstdlib>

#include "keys/sodium.hpp"
#include "notation/base64.hpp"

namespace quern::keys {
namespace {

static_assert(kSealKeyBytes == crypto_secretbox_KEYBYTES);

const unsigned char* raw(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* raw(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

void check(std::string_view key) {
  if (key.size() != kSealKeyBytes) std::abort();
}

}  // namespace

std::string seal(std::string_view text, std::string_view key) {
  check(key);
  const std::string nonce = random_bytes(crypto_secretbox_NONCEBYTES);
  std::string box(text.size() + crypto_secretbox_MACBYTES, '\0');
  crypto_secretbox_easy(raw(box), raw(text), text.size(), raw(std::string_view(nonce)), raw(key));
  return notation::base64(nonce + box, notation::Base64::url);
}

std::optional<std::string> open_sealed(std::string_view sealed, std::string_view key) {
  check(key);
  start_sodium();
  const auto bytes = notation::from_base64(sealed, notation::Base64::url);
  constexpr std::size_t kLeast = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
  if (!bytes || bytes->size() < kLeast) return std::nullopt;
  const std::string_view nonce = std::string_view(*bytes).substr(0, crypto_secretbox_NONCEBYTES);
  const std::string_view box = std::string_view(*bytes).substr(crypto_secretbox_NONCEBYTES);
  std::string text(box.size() - crypto_secretbox_MACBYTES, '\0');
  if (crypto_secretbox_open_easy(raw(text), raw(box), box.size(), raw(nonce), raw(key)) != 0)
    return std::nullopt;
  return text;
}

}  // namespace quern::keys
