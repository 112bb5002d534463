// What other threads tell the actor of a session. Any thread may post, only the actor drains. The
// descriptor becomes readable when there is something.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

namespace quern::gateway::pull {

template <typename T>
class Mailbox {
 public:
  Mailbox() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  ~Mailbox() { ::close(fd_); }
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  /// False, and `message` is unchanged, if the actor has ended.
  bool post(T&& message) {
    bool wake = false;
    {
      std::lock_guard lock(mutex_);
      if (is_closed_) return false;
      wake = queue_.empty();
      queue_.push_back(std::move(message));
    }
    const std::uint64_t one = 1;
    // Fails only if the counter is full; then the actor is already being woken.
    if (wake) [[maybe_unused]]
      auto written = ::write(fd_, &one, sizeof one);
    return true;
  }

  /// Actor only: everything that was posted since the last call, in order, in `out`.
  void drain(std::vector<T>& out) { drain(out, false); }
  /// The same, and nothing can be posted any more.
  void close(std::vector<T>& out) { drain(out, true); }
  int fd() const { return fd_; }

 private:
  void drain(std::vector<T>& out, bool last) {
    out.clear();
    std::uint64_t count = 0;
    // Before the swap: what is posted later wakes again.
    [[maybe_unused]] const auto got = ::read(fd_, &count, sizeof count);
    std::lock_guard lock(mutex_);
    is_closed_ = is_closed_ || last;
    out.swap(queue_);
  }

  int fd_;
  std::mutex mutex_;
  bool is_closed_ = false;
  std::vector<T> queue_;
};

}  // namespace quern::gateway::pull
