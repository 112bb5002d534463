#include "worker/process/reaper.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "process/end.hpp"
#include "process/pipe.hpp"
#include "worker/process/host.hpp"

namespace quern::worker {
namespace {

[[noreturn]] void reap(const Mark& mark, const std::string& folder, int alive) {
  ::setsid();
  ::prctl(PR_SET_NAME, "quern-reaper");  // `pkill quern-worker` must not hit it
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(number, SIG_IGN);
  ::dup2(alive, 0);
  const int null = ::open("/dev/null", O_RDWR);
  ::dup2(null, 1);
  ::dup2(null, 2);
  ::syscall(SYS_close_range, 3u, ~0u, 0u);
  char nothing = 0;
  while (::read(0, &nothing, 1) < 0 && errno == EINTR) {
  }
  kill_marked(mark.text());
  remove_folder(folder);
  ::_exit(0);
}

}  // namespace

Reaper::Reaper(const Mark& mark, const std::string& folder) {
  process::Pipe pipe;
  pid_ = ::fork();
  if (pid_ < 0)
    throw std::system_error(errno, std::generic_category(),
                            "the process that cleans up after programs");
  if (pid_ == 0) {
    pipe.close_write();
    reap(mark, folder, pipe.read);
  }
  alive_ = std::exchange(pipe.write, -1);
}

Reaper::~Reaper() {
  ::close(alive_);
  process::reap(pid_);
}

}  // namespace quern::worker
