#include "worker/process/slot_socket.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

namespace quern::worker {
namespace {

constexpr int kLookMs = 20;

}  // namespace

SlotSocket::SlotSocket(int fd, std::function<bool()> go_on) : fd_(fd), go_on_(std::move(go_on)) {
  ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
}

SlotSocket::~SlotSocket() {
  if (fd_ >= 0) ::close(fd_);
}

SlotSocket::SlotSocket(SlotSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), go_on_(std::move(other.go_on_)) {}

bool SlotSocket::wait(short events) const {
  for (;;) {
    pollfd one{fd_, events, 0};
    if (::poll(&one, 1, go_on_ ? kLookMs : -1) > 0) return true;
    if (go_on_ && !go_on_()) return false;
  }
}

bool SlotSocket::write_all(BytesView bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put > 0)
      bytes.remove_prefix(static_cast<std::size_t>(put));
    else if (put < 0 && errno == EAGAIN) {
      if (!wait(POLLOUT)) return false;
    } else if (put < 0 && errno != EINTR) {
      return false;
    }
  }
  return true;
}

bool SlotSocket::read_all(char* to, std::size_t size) {
  while (size > 0) {
    const ssize_t got = ::recv(fd_, to, size, 0);
    if (got == 0) return false;
    if (got > 0) {
      to += got;
      size -= static_cast<std::size_t>(got);
    } else if (errno == EAGAIN) {
      if (!wait(POLLIN)) return false;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

bool SlotSocket::send(BytesView message) {
  const std::uint64_t size = message.size();
  return write_all({reinterpret_cast<const char*>(&size), sizeof size}) && write_all(message);
}

std::optional<Bytes> SlotSocket::receive() {
  std::uint64_t size = 0;
  if (!read_all(reinterpret_cast<char*>(&size), sizeof size)) return std::nullopt;
  Bytes message(size, '\0');
  if (!read_all(message.data(), size)) return std::nullopt;
  return message;
}

}  // namespace quern::worker
