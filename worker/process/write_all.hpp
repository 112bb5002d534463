// All bytes into a descriptor, however many writes that takes.
#pragma once

#include <unistd.h>

#include <cerrno>

#include "quern/bytes.hpp"

namespace quern::worker {

/// False with errno.
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
