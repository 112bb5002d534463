// libsodium, initialised. The one place that calls sodium_init().
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace quern::keys {

/// Must be called before any other function of libsodium; any thread, any number of times. Aborts
/// if there is no random source.
void start_sodium();

std::string random_bytes(std::size_t count);
/// BLAKE2b-256 of `text`, keyed when `key` is not empty (16 to 64 bytes), as 64 hexadecimal
/// digits.
std::string hash_hex(std::string_view text, std::string_view key = {});

/// BLAKE2b-256 of bytes that are added piece by piece.
class Digest {
 public:
  Digest();
  void add(std::string_view bytes);
  /// As 64 hexadecimal digits; nothing may be added afterwards.
  std::string hex();

 private:
  alignas(
      64) unsigned char state_[384];  // crypto_generichash_state, whose header stays out of here
};

/// Compares in constant time.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace quern::keys
