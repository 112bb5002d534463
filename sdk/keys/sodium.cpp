#include "keys/sodium.hpp"

#include <sodium.h>

#include <array>
#include <cstdlib>
#include <new>

#include "notation/hex.hpp"

namespace quern::keys {
namespace {

constexpr std::size_t kHashBytes = 32;

std::string hex_of(const std::array<unsigned char, kHashBytes>& hash) {
  return notation::hex({reinterpret_cast<const char*>(hash.data()), hash.size()});
}

}  // namespace

void start_sodium() {
  static const int started = sodium_init();
  if (started < 0) std::abort();
}

std::string random_bytes(std::size_t count) {
  start_sodium();
  std::string bytes(count, '\0');
  randombytes_buf(bytes.data(), bytes.size());
  return bytes;
}

std::string hash_hex(std::string_view text, std::string_view key) {
  start_sodium();
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::array<unsigned char, kHashBytes> hash{};
  crypto_generichash(hash.data(), hash.size(), bytes, text.size(),
                     key.empty() ? nullptr : reinterpret_cast<const unsigned char*>(key.data()),
                     key.size());
  return hex_of(hash);
}

Digest::Digest() {
  static_assert(sizeof(crypto_generichash_state) <= sizeof state_ &&
                alignof(crypto_generichash_state) <= 64);
  start_sodium();
  crypto_generichash_init(new (state_) crypto_generichash_state, nullptr, 0, kHashBytes);
}

void Digest::add(std::string_view bytes) {
  crypto_generichash_update(reinterpret_cast<crypto_generichash_state*>(state_),
                            reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::string Digest::hex() {
  std::array<unsigned char, kHashBytes> hash{};
  crypto_generichash_final(reinterpret_cast<crypto_generichash_state*>(state_), hash.data(),
                           hash.size());
  return hex_of(hash);
}

bool same_secret(std::string_view a, std::string_view b) {
  start_sodium();
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace quern::keys
