#include "runtime/greeting.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace quern::runtime {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kGreetingBytes = 64;
constexpr std::size_t kMechanismAt = 12, kMechanismBytes = 20;
// The signature and a version. Nothing else is sent, because a server that reads another mechanism
// may close the connection before it has sent its own.
constexpr char kHalf[] = "\xff\0\0\0\0\0\0\0\1\x7f\3";

class Line {
 public:
  explicit Line(Clock::time_point until) : until_(until) {}
  ~Line() {
    if (fd_ >= 0) ::close(fd_);
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  bool connect(const sockaddr* address, socklen_t bytes) {
    fd_ = ::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return false;
    if (::connect(fd_, address, bytes) == 0) return true;
    int error = 0;
    socklen_t size = sizeof error;
    return errno == EINPROGRESS && await(POLLOUT) &&
           ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
  }
  bool say(const char* bytes, std::size_t size) {
    return ::send(fd_, bytes, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size);
  }
  bool hear(char* bytes, std::size_t size) {
    while (size > 0) {
      if (!await(POLLIN)) return false;
      const auto got = ::recv(fd_, bytes, size, 0);
      if (got <= 0) return false;
      bytes += got;
      size -= static_cast<std::size_t>(got);
    }
    return true;
  }

 private:
  bool await(short what) {
    pollfd item{fd_, what, 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until_ - Clock::now()).count();
    return left > 0 && ::poll(&item, 1, static_cast<int>(left)) == 1;
  }

  Clock::time_point until_;
  int fd_ = -1;
};

bool connect(Line& line, const std::string& endpoint) {
  if (endpoint.starts_with("ipc://")) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = endpoint.substr(6);
    if (path.size() >= sizeof address.sun_path) return false;
    path.copy(address.sun_path, path.size());
    return line.connect(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  const auto colon = endpoint.rfind(':');
  if (!endpoint.starts_with("tcp://") || colon < 6) return false;
  std::string host = endpoint.substr(6, colon - 6);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (::getaddrinfo(host.c_str(), endpoint.c_str() + colon + 1, &hints, &list) != 0) return false;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(list, ::freeaddrinfo);
  return line.connect(list->ai_addr, list->ai_addrlen);
}

}  // namespace

std::optional<std::string> mechanism_at(const std::string& endpoint,
                                        std::chrono::milliseconds patience) {
  Line line(Clock::now() + patience);
  std::array<char, kGreetingBytes + 1> greeting{};
  if (!connect(line, endpoint) || !line.say(kHalf, sizeof kHalf - 1) ||
      !line.hear(greeting.data(), kGreetingBytes) || greeting[0] != '\xff' || greeting[9] != '\x7f')
    return std::nullopt;
  const char* name = greeting.data() + kMechanismAt;
  return std::string(name, ::strnlen(name, kMechanismBytes));
}

}  // namespace quern::runtime
