#include "cli/process/interrupt.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "cli/syntax/exit.hpp"

namespace quern::cli {
namespace {

int block_and_open() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);  // the terminal was closed
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

}  // namespace

Interrupt::Interrupt(std::function<void()> on_first)
    : on_first_(std::move(on_first)),
      signals_(block_and_open()),
      stop_(::eventfd(0, EFD_CLOEXEC)),
      watcher_([this] { watch(); }) {}

Interrupt::~Interrupt() {
  ::eventfd_write(stop_, 1);
  watcher_.join();
  ::close(signals_);
  ::close(stop_);
}

void Interrupt::watch() {
  for (;;) {
    pollfd ready[] = {{signals_, POLLIN, 0}, {stop_, POLLIN, 0}};
    if (::poll(ready, 2, -1) < 0) continue;
    if (ready[1].revents != 0) return;
    signalfd_siginfo info;
    if (::read(signals_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) continue;
    if (caught_.exchange(true)) std::_Exit(static_cast<int>(Exit::interrupted));
    on_first_();
  }
}

}  // namespace quern::cli
