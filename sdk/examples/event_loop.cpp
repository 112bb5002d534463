// Shows a client in an event loop that is not Quern's: here Boost.Asio. Continuations and
// coroutines run on the loop's thread, so they share its data without locks.
//
//   quern up                               # in a second terminal:
//   build/release/bin/example_square_worker
//   build/release/bin/example_event_loop
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <iostream>
#include <quern/client.hpp>
#include <quern/typed.hpp>

namespace {

namespace asio = boost::asio;
using Number = std::uint64_t;

// Calls client.dispatch() whenever the client has something to run. The client keeps the
// descriptor, so this gives it back instead of closing it.
class Dispatching {
 public:
  Dispatching(asio::io_context& loop, quern::Client& client)
      : client_(client), ready_(loop, client.descriptor()) {
    wait();
  }
  ~Dispatching() { ready_.release(); }
  Dispatching(const Dispatching&) = delete;
  Dispatching& operator=(const Dispatching&) = delete;

  void stop() { ready_.cancel(); }

 private:
  void wait() {
    ready_.async_wait(asio::posix::descriptor_base::wait_read,
                      [this](const boost::system::error_code& error) {
                        if (error) return;  // stop()
                        wait();
                        client_.dispatch();
                      });
  }

  quern::Client& client_;
  asio::posix::stream_descriptor ready_;
};

quern::Future<Number> sum_of_squares(quern::Client& client, Number a, Number b) {
  const auto first = client.call<Number>("square", a), second = client.call<Number>("square", b);
  co_return co_await first + co_await second;
}

}  // namespace

int main() try {
  quern::Client client({.callbacks = quern::Callbacks::dispatch});
  asio::io_context loop;
  Dispatching dispatching(loop, client);

  int ticks = 0;  // the loop does other things meanwhile
  asio::steady_timer timer(loop);
  const std::function<void()> tick = [&] {
    ++ticks;
    timer.expires_after(std::chrono::milliseconds(1));
    timer.async_wait([&](const boost::system::error_code& error) {
      if (!error) tick();
    });
  };
  tick();

  int exit_code = 0;
  const auto sum = sum_of_squares(client, 3, 4).then([&](quern::Future<Number> done) {
    try {
      std::cout << "3^2 + 4^2 = " << done.get() << '\n';
    } catch (const quern::Error& error) {
      std::cerr << "event_loop: " << error.what() << '\n';
      exit_code = 1;
    }
    timer.cancel();
    dispatching.stop();
  });

  loop.run();  // until nothing is left to wait for
  std::cout << "the loop went on meanwhile: " << std::boolalpha << (ticks > 0) << '\n';
  return exit_code;
} catch (const std::exception& error) {
  std::cerr << "event_loop: " << error.what() << '\n';
  return 1;
}
