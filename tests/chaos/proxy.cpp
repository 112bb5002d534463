#include "chaos/proxy.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace quern::chaos {
namespace {

constexpr int kPollMs = 20;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

void close_with_reset(int fd) {
  const linger now{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  ::close(fd);
}

/// Sends everything, however long the other side takes; false if the connection is lost.
bool send_all(int fd, const char* bytes, std::size_t n) {
  while (n > 0) {
    const ssize_t sent = ::send(fd, bytes, n, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
      pollfd room{fd, POLLOUT, 0};
      if (::poll(&room, 1, 1000) <= 0) return false;
      continue;
    }
    if (sent <= 0) return false;
    bytes += sent;
    n -= static_cast<std::size_t>(sent);
  }
  return true;
}

}  // namespace

Proxy::Proxy(std::uint16_t target_port)
    : target_(target_port), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::system_error(errno, std::generic_category(), "the proxy's socket");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

Proxy::~Proxy() {
  stopping_ = true;
  thread_.join();
  for (Link& link : links_) reset(link);
  ::close(listener_);
}

void Proxy::inflict(Fault fault, std::chrono::milliseconds time) {
  std::lock_guard lock(mutex_);
  for (Link& link : links_) {
    link.fault = fault;
    link.until = Clock::now() + time;
    if (fault == Fault::reset && time.count() > 0) reset(link);
  }
  std::erase_if(links_, [](const Link& link) { return link.peer < 0; });
}

void Proxy::reset(Link& link) {
  close_with_reset(link.peer);
  close_with_reset(link.broker);
  link.peer = link.broker = -1;
  ++cut_;
}

void Proxy::accept_one() {
  const int peer = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (peer < 0) return;
  const int broker = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(target_);
  if (::connect(broker, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close_with_reset(peer);  // without a broker, behave as if nothing listened
    ::close(broker);
    return;
  }
  for (int fd : {peer, broker}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
  links_.push_back({peer, broker, Fault::slow, {}});
}

bool Proxy::forward(Link& link, int from, int to) {
  char bytes[64 << 10];
  const bool faulty = Clock::now() < link.until;
  std::size_t most = sizeof bytes;
  if (faulty && link.fault == Fault::slow) most = 200;  // 10 KB/s in each direction
  const ssize_t n = ::recv(from, bytes, most, 0);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  if (n == 0) return false;
  if (faulty && link.fault == Fault::truncate) {
    send_all(to, bytes, static_cast<std::size_t>(n) / 2);
    return false;
  }
  return send_all(to, bytes, static_cast<std::size_t>(n));
}

void Proxy::run() {
  while (!stopping_) {
    std::vector<pollfd> items{{listener_, POLLIN, 0}};
    {
      std::lock_guard lock(mutex_);
      for (const Link& link : links_) {
        const bool silent = Clock::now() < link.until && link.fault == Fault::silent;
        const short wanted = silent ? 0 : POLLIN;
        items.push_back({link.peer, wanted, 0});
        items.push_back({link.broker, wanted, 0});
      }
    }
    ::poll(items.data(), items.size(), kPollMs);
    std::lock_guard lock(mutex_);
    // inflict() may have reset some meanwhile: look each one up by its descriptor.
    bool slow = false;
    for (std::size_t i = 1; i + 1 < items.size(); i += 2) {
      const auto link = std::find_if(links_.begin(), links_.end(), [&](const Link& l) {
        return l.peer == items[i].fd && l.broker == items[i + 1].fd;
      });
      if (link == links_.end()) continue;
      const bool silence_over = link->fault == Fault::silent &&
                                link->until != Clock::time_point{} && Clock::now() >= link->until;
      bool lives = !silence_over;
      if (lives && items[i].revents != 0 && items[i].events != 0)
        lives = forward(*link, link->peer, link->broker);
      if (lives && items[i + 1].revents != 0 && items[i + 1].events != 0)
        lives = forward(*link, link->broker, link->peer);
      if (!lives)
        reset(*link);
      else
        slow = slow || (link->fault == Fault::slow && Clock::now() < link->until);
    }
    std::erase_if(links_, [](const Link& link) { return link.peer < 0; });
    if (items[0].revents != 0) accept_one();
    if (slow) std::this_thread::sleep_for(std::chrono::milliseconds(kPollMs));
  }
}

}  // namespace quern::chaos
