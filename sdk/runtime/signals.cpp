#include "runtime/signals.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>

namespace quern::runtime {
namespace {

std::atomic<int> tell{-1};  // the write end of the pipe; not closed while the handler is installed

void caught(int number) {
  const int error = errno;
  const char byte = static_cast<char>(number);
  [[maybe_unused]] const auto written =
      ::write(tell, &byte, 1);  // if the pipe is full, the reader has been notified already
  errno = error;
}

void handle(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int number : {SIGINT, SIGTERM}) ::sigaction(number, &action, nullptr);
}

}  // namespace

StopSignals::StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  int ends[2] = {-1, -1};
  blocked_ = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  both_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (blocked_ < 0 || both_ < 0 || ::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
    throw std::system_error(errno, std::generic_category(), "signals");
  caught_ = ends[0];
  tell = ends[1];
  for (const int fd : {blocked_, caught_}) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    if (::epoll_ctl(both_, EPOLL_CTL_ADD, fd, &event) != 0)
      throw std::system_error(errno, std::generic_category(), "signals");
  }
  handle(caught);
}

StopSignals::~StopSignals() {
  handle(SIG_DFL);
  ::close(tell.exchange(-1));
  for (const int fd : {blocked_, caught_, both_}) ::close(fd);
}

int StopSignals::take() {
  signalfd_siginfo info{};
  if (::read(blocked_, &info, sizeof info) == sizeof info) return static_cast<int>(info.ssi_signo);
  char byte = 0;
  return ::read(caught_, &byte, 1) == 1 ? byte : 0;
}

}  // namespace quern::runtime
