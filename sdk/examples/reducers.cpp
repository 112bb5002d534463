// Shows the built-in reducers, which combine all results of a job into one value near the workers.
//
//   quern up                               # in a second terminal:
//   build/release/bin/example_square_worker
//   build/release/bin/example_reducers
#include <iostream>
#include <quern/client.hpp>
#include <quern/typed.hpp>
#include <string>
#include <vector>

int main() try {
  quern::Client client;

  // sum, min, max and count give a number, whatever the number of tasks.
  for (const char* reducer : {"sum", "min", "max", "count"}) {
    const quern::Job job = client.submit("square", quern::Range{1, 11}, {.reduce = reducer});
    std::cout << reducer
              << " of the squares of 1 to 10: " << quern::from_value<std::uint64_t>(job.get())
              << '\n';
  }

  // concat joins bytes in the order of the input, whatever the order in which tasks end.
  const std::vector<std::string> words{"many ", "small ", "tasks"};
  std::cout << "concat: "
            << client.submit("echo", quern::Items::of(words), {.reduce = "concat"}).get() << '\n';

  // Some functions bring a reducer of their own: `sum` adds the integers of a range.
  std::cout << "sum of 1 to 1000: "
            << quern::from_value<std::uint64_t>(client.submit("sum", quern::Range{1, 1001}).get())
            << '\n';

  // Reduced over nothing, sum is 0, but max has no value.
  const quern::Range nothing{1, 1};
  const auto sum = client.submit("square", nothing, {.reduce = "sum"}).get_optional();
  const auto max = client.submit("square", nothing, {.reduce = "max"}).get_optional();
  std::cout << "of nothing: sum "
            << (sum ? std::to_string(quern::from_value<std::uint64_t>(*sum)) : "has no value")
            << ", max "
            << (max ? std::to_string(quern::from_value<std::uint64_t>(*max)) : "has no value")
            << '\n';
  return 0;
} catch (const quern::Error& error) {
  std::cerr << "reducers: " << error.what() << '\n';
  return 1;
}
