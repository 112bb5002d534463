#include "cli/output.hpp"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace quern::cli {
namespace {

constexpr std::size_t kUnwrittenMax = 1u << 20;

/// 0, or the errno of the write that failed.
int write_to_stdout(std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

Output::Output() : writer_([this] { write_out(); }) {}

Output::~Output() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_writer_.notify_one();
  writer_.join();
}

bool Output::append(std::string_view text) {
  std::unique_lock lock(mutex_);
  wake_owner_.wait(lock, [&] { return pending_.size() < kUnwrittenMax || state_ != State::open; });
  if (state_ != State::open) return false;
  const bool wake = pending_.empty() && !writing_;
  pending_.append(text);
  if (wake) wake_writer_.notify_one();
  return true;
}

Output::State Output::flush() {
  std::unique_lock lock(mutex_);
  wake_owner_.wait(lock, [&] { return (pending_.empty() && !writing_) || state_ != State::open; });
  return state_;
}

std::string Output::error() const {
  std::lock_guard lock(mutex_);
  return std::strerror(error_);
}

void Output::write_out() {
  std::string batch;
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_writer_.wait(lock, [&] { return !pending_.empty() || closing_; });
    if (pending_.empty() || state_ != State::open) return;
    batch.clear();
    batch.swap(pending_);
    writing_ = true;
    lock.unlock();
    wake_owner_.notify_all();
    const int error = write_to_stdout(batch);
    lock.lock();
    writing_ = false;
    if (error != 0) {
      state_ = error == EPIPE ? State::reader_gone : State::broken;
      error_ = error;
    }
    wake_owner_.notify_all();
  }
}

void die_of_broken_pipe() {
  std::signal(SIGPIPE, SIG_DFL);
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_UNBLOCK, &pipe, nullptr);
  ::raise(SIGPIPE);
  std::_Exit(1);
}

}  // namespace quern::cli
