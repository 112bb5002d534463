// Shows an open job: items are pushed while earlier ones already run, and the job is closed at the
// end. Here each item depends on the result before it, so the whole input is never known in
// advance.
//
//   quern up                               # in a second terminal:
//   build/release/bin/example_square_worker
//   build/release/bin/example_open_job
#include <iostream>
#include <quern/client.hpp>
#include <quern/typed.hpp>

int main() try {
  quern::Client client;
  quern::Feed feed(quern::Encoding::value);
  const quern::Job job = client.submit("square", feed, {.name = "powers of two"});

  feed.push_value(std::uint64_t{2});
  while (const auto result = job.next()) {
    const auto square = result->get<std::uint64_t>();  // throws if the task failed
    std::cout << square << '\n';
    if (square < 1'000'000)
      feed.push_value(square);
    else
      feed.close();  // next() returns nothing once all results are read
  }
  std::cout << "the job is " << to_string(job.wait().state) << '\n';
  return 0;
} catch (const quern::Error& error) {
  std::cerr << "open_job: " << error.what() << '\n';
  return 1;
}
