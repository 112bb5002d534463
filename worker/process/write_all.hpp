// Writes all bytes to a descriptor, with as many calls as needed.
#pragma once

#include <unistd.h>

#include <cerrno>

#include "quern/bytes.hpp"

namespace quern::worker {

/// Returns false and sets errno on failure.
inline bool write_all(int fd, BytesView bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

}  // namespace quern::worker
