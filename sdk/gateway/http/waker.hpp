// Wakes connections from other threads.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <mutex>

namespace quern::gateway {

/// What the coroutine of one connection waits for. Used on the I/O thread only.
struct Signal {
  explicit Signal(boost::asio::io_context& io) : timer(io) {}

  boost::asio::steady_timer timer;  ///< cancelled to wake the coroutine
  std::function<void()> also;       ///< called at the same time, if it is set
};

/// Works for as long as the server exists. Any thread.
class Waker {
 public:
  explicit Waker(boost::asio::io_context& io) : io_(&io) {}

  void wake(std::weak_ptr<Signal> signal);
  /// The server ends: waking does nothing from now on.
  void close();

 private:
  std::mutex mutex_;
  boost::asio::io_context* io_;
};

}  // namespace quern::gateway
