// Shows results that come later: typed futures, continuations, all or the first of several, and a
// coroutine that waits without a thread.
//
//   quern up                               # in a second terminal:
//   build/release/bin/example_square_worker
//   build/release/bin/example_composing
#include <chrono>
#include <iostream>
#include <numeric>
#include <quern/client.hpp>
#include <quern/typed.hpp>

namespace {

using Number = std::uint64_t;

// A coroutine that is a future: it is suspended while the jobs run. Its parameters are values or
// outlive it, because it goes on after the call has returned.
quern::Future<Number> fourth_power(quern::Client& client, Number x) {
  const Number square = co_await client.call<Number>("square", x);
  co_return co_await client.call<Number>("square", square);
}

}  // namespace

int main() try {
  quern::Client client;

  // One job of many tasks, and what to do with all of its results.
  const auto sum = client.map<Number>("square", std::vector<Number>{1, 2, 3, 4})
                       .then([](const std::vector<Number>& squares) {
                         return std::accumulate(squares.begin(), squares.end(), Number{0});
                       });
  std::cout << "sum of squares: " << sum.get() << '\n';

  // Many single calls; the SDK makes one job of them.
  std::vector<quern::Future<Number>> calls;
  for (Number x = 0; x < 1000; ++x) calls.push_back(client.call<Number>("square", x));
  std::cout << "the last of a thousand: " << when_all(calls).get().back() << '\n';

  std::cout << "3 to the fourth: " << fourth_power(client, 3).get() << '\n';

  // The first that is ready, whichever that is; the other one is not needed any more.
  const std::vector race{client.call<Number>("square", Number{5}),
                         client.call<Number>("nobody offers this", Number{5})};
  const auto first = when_any(race).get();
  std::cout << "number " << first.index << " was first: " << first.future.get() << '\n';
  race[1].cancel();

  // A job that may not take long, and a wait that does not last forever.
  const auto late = client.submit("nobody offers this", quern::Whole{"x"},
                                  {.deadline = std::chrono::milliseconds(200)});
  std::cout << "in time: " << std::boolalpha << late.wait(std::chrono::milliseconds(1)).finished()
            << '\n';
  std::cout << "ended with: " << to_string(late.wait().code) << '\n';
  return 0;
} catch (const quern::Error& error) {
  std::cerr << "composing: " << error.what() << '\n';
  return 1;
}
