#include "keys/sodium.hpp"

#include <sodium.h>

#include <array>
#include <cstdlib>

namespace quern::keys {

void start_sodium() {
  static const int started = sodium_init();
  if (started < 0) std::abort();
}

std::string random_octets(std::size_t count) {
  start_sodium();
  std::string octets(count, '\0');
  randombytes_buf(octets.data(), octets.size());
  return octets;
}

std::string hash_hex(std::string_view text, std::string_view key) {
  start_sodium();
  const auto* octets = reinterpret_cast<const unsigned char*>(text.data());
  std::array<unsigned char, 32> hash{};
  crypto_generichash(hash.data(), hash.size(), octets, text.size(),
                     key.empty() ? nullptr : reinterpret_cast<const unsigned char*>(key.data()), key.size());
  std::array<char, 65> hex{};
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
  return {hex.data(), 64};
}

bool same_secret(std::string_view a, std::string_view b) {
  start_sodium();
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace quern::keys
