#include "runtime/random.hpp"

#include <sys/random.h>

#include <cstdlib>

namespace quern::runtime {

void random_bytes(void* out, std::size_t size) {
  auto* at = static_cast<unsigned char*>(out);
  while (size > 0) {
    const ssize_t got = ::getrandom(at, size, 0);
    if (got <= 0) std::abort();
    at += got;
    size -= static_cast<std::size_t>(got);
  }
}

std::uint64_t random_u64() {
  std::uint64_t n;
  random_bytes(&n, sizeof n);
  return n;
}

}  // namespace quern::runtime
