// An actor's mailbox: any thread may post, only the owning actor drains it. The file
// descriptor becomes readable when there is a message, so the actor polls it together with its
// sockets (a ZeroMQ socket per message path would cost ten times as much).
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

namespace quern::runtime {

template <typename T>
class Mailbox {
 public:
  Mailbox() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  ~Mailbox() { ::close(fd_); }
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  /// Any thread.
  void post(T message) {
    bool wake;
    {
      std::lock_guard lock(mutex_);
      wake = queue_.empty();
      queue_.push_back(std::move(message));
    }
    if (wake) {
      const std::uint64_t one = 1;
      // Fails only if the counter is full; then the owner is already being woken.
      [[maybe_unused]] auto written = ::write(fd_, &one, sizeof one);
    }
  }

  /// Owner only: returns everything posted so far, in order. `out` is emptied first and its memory
  /// reused.
  void drain(std::vector<T>& out) {
    out.clear();
    std::uint64_t count;
    [[maybe_unused]] auto got =
        ::read(fd_, &count, sizeof count);  // before the swap: a later post wakes again
    std::lock_guard lock(mutex_);
    out.swap(queue_);
  }

  /// The descriptor to poll for reading.
  int fd() const { return fd_; }

 private:
  int fd_;
  std::mutex mutex_;
  std::vector<T> queue_;
};

}  // namespace quern::runtime
