// A TCP proxy that misbehaves on demand: it resets connections, falls silent, slows down, cuts a
// message in two. One thread of its own; the calls may come from any other.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace quern::chaos {

/// reset: RST at once. silent: nothing passes for a while, then RST (a half-open connection). slow:
/// a trickle for a while. truncate: the next bytes pass half, then RST.
enum class Fault : std::uint8_t { reset, silent, slow, truncate };

class Proxy {
 public:
  /// Listens on a free port of 127.0.0.1 and connects each connection to `target_port`. Throws
  /// std::system_error.
  explicit Proxy(std::uint16_t target_port);
  ~Proxy();

  std::uint16_t port() const { return port_; }
  /// Befalls every connection there is.
  void inflict(Fault fault, std::chrono::milliseconds time);
  /// From now on it only forwards.
  void heal() { inflict(Fault::slow, std::chrono::milliseconds(0)); }
  std::uint64_t cut() const { return cut_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Link {
    int peer = -1, broker = -1;
    Fault fault = Fault::slow;
    Clock::time_point until{};  ///< of the fault; the past: none
  };

  void run();
  bool forward(Link& link, int from, int to);
  void accept_one();
  void reset(Link& link);

  std::uint16_t target_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  std::mutex mutex_;
  std::vector<Link> links_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> cut_{0};
  std::thread thread_;
};

}  // namespace quern::chaos
