// A map over items and a reduced range, on the functions that every stock worker offers (quern up).
#include <iostream>
#include <quern/client.hpp>
#include <quern/typed.hpp>
#include <string>
#include <vector>

int main() try {
  quern::Client client;  // QUERN_BROKER, else tcp://127.0.0.1:7600

  // One task per item. The list may be larger than memory: Items takes any function that gives the
  // next one.
  const std::vector<std::string> grains{"wheat", "rye", "barley"};
  const quern::Job echo =
      client.submit("echo", quern::Items::of(grains), {.name = "grains", .priority = 1});
  while (const auto result =
             echo.next()) {  // in input order; next_completed() gives them as they come
    std::cout << result->index << ": " << (result->ok ? result->bytes : result->text) << '\n';
  }

  // One result from many tasks: the range is carved by the measured speed of the workers, its
  // partial sums are folded.
  const quern::Job sum = client.submit("sum", quern::Range{1, 101});
  std::cout << "sum: " << quern::from_value<std::uint64_t>(sum.get()) << '\n';

  // Single submits are tasks of one job behind the scenes, so a loop of them is cheap.
  std::vector<quern::Job> singles;
  for (const auto& grain : grains) singles.push_back(client.submit("echo", quern::Whole{grain}));
  for (const auto& single : singles) std::cout << single.id() << ": " << single.get() << '\n';
  return 0;
} catch (const quern::Error& error) {
  std::cerr << "submit: " << error.what() << '\n';
  return 1;
}
