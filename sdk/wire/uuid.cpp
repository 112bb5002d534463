#include <sys/random.h>

#include <cstdlib>

#include "notation/hex.hpp"
#include "quern/ids.hpp"

namespace quern {

std::string Uuid::text() const {
  std::string out;
  out.reserve(36);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out.push_back('-');
    notation::append_hex(out, bytes[i]);
  }
  return out;
}

Uuid Uuid::random() {
  Uuid uuid;
  // getrandom() returns 16 bytes at once (it is interrupted only above 256). On a system without it
  // there is no safe alternative.
  if (::getrandom(uuid.bytes.data(), uuid.bytes.size(), 0) != 16) std::abort();
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0f) | 0x40);  // RFC 4122, version 4
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);
  return uuid;
}

}  // namespace quern
