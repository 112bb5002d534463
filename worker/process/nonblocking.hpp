// Makes a descriptor non-blocking: its reads and writes fail with EAGAIN instead of waiting.
#pragma once

#include <fcntl.h>

namespace quern::worker {

inline void make_nonblocking(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

}  // namespace quern::worker
