#include "cli/output/standard_output.hpp"

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <mutex>
#include <string>

namespace quern::cli {
namespace {

constexpr std::size_t kHeldBack = 64u << 10;

std::atomic<int> first_error{0};

class Buffer final : public std::streambuf {
 protected:
  int_type overflow(int_type byte) override {
    if (traits_type::eq_int_type(byte, traits_type::eof())) return traits_type::not_eof(byte);
    const char c = traits_type::to_char_type(byte);
    return xsputn(&c, 1) == 1 ? byte : traits_type::eof();
  }
  std::streamsize xsputn(const char* text, std::streamsize count) override {
    std::lock_guard lock(mutex_);
    held_.append(text, static_cast<std::size_t>(count));
    return held_.size() < kHeldBack || flush() ? count : 0;
  }
  int sync() override {
    std::lock_guard lock(mutex_);
    return flush() ? 0 : -1;
  }

 private:
  bool flush() {
    const bool written = write_output(held_);
    held_.clear();
    return written;
  }

  std::mutex mutex_;
  std::string held_;
};

}  // namespace

bool write_output(std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      pollfd room{STDOUT_FILENO, POLLOUT, 0};
      ::poll(&room, 1, -1);
    } else if (errno != EINTR) {
      int none = 0;
      first_error.compare_exchange_strong(none, errno);
      return false;
    }
  }
  return true;
}

int output_error() { return first_error; }

StandardOutput::StandardOutput()
    : buffer_(std::make_unique<Buffer>()), before_(std::cout.rdbuf(buffer_.get())) {}

StandardOutput::~StandardOutput() {
  std::cout.flush();
  std::cout.rdbuf(before_);
}

Exit finish_output(Exit code) {
  std::cout.flush();
  const int error = output_error();
  if (error == 0) return code;
  if (error == EPIPE) die_of_broken_pipe();
  if (code != Exit::done) return code;
  std::cerr << "quern: cannot write to standard output: " << std::strerror(error) << '\n';
  return Exit::failed;
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
