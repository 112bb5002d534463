#include "runtime/start.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

namespace quern::runtime {

void open_standard_descriptors() {
  // open() returns the lowest free number, so descriptors that are open are not affected.
  for (int fd = ::open("/dev/null", O_RDWR); fd >= 0; fd = ::open("/dev/null", O_RDWR)) {
    if (fd <= 2) continue;
    ::close(fd);
    return;
  }
}

void leave_orphans_to_the_system() {
  if (::getpid() == 1) ::signal(SIGCHLD, SIG_IGN);
}

}  // namespace quern::runtime
