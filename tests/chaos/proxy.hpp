// A TCP proxy that injects faults on demand: it resets, silences, slows and truncates connections.
// It has one thread; any thread may call it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace quern::chaos {

/// reset: RST at once. silent: nothing passes for a while, then RST (a half-open connection). slow:
/// low throughput for a while. truncate: half of the next bytes pass, then RST.
enum class Fault : std::uint8_t { reset, silent, slow, truncate };

class Proxy {
 public:
  /// Listens on a free port of 127.0.0.1 and connects each connection to `target_port`. Throws
  /// std::system_error.
  explicit Proxy(std::uint16_t target_port);
  ~Proxy();

  std::uint16_t port() const { return port_; }
  /// Applies the fault to every open connection.
  void inflict(Fault fault, std::chrono::milliseconds time);
  /// From now on it only forwards.
  void heal() { inflict(Fault::slow, std::chrono::milliseconds(0)); }
  std::uint64_t cut() const { return cut_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Link {
    int peer = -1, broker = -1;
    Fault fault = Fault::slow;
    Clock::time_point until{};  ///< end of the fault; in the past if there is none
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
