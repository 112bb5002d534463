// Shows how to read results while the job still runs, with input and output that need not fit into
// memory: the input is generated as there is room for it, and each result is read once.
//
//   quern up                               # in a second terminal:
//   build/release/bin/example_streaming_results
#include <algorithm>
#include <iostream>
#include <quern/client.hpp>
#include <string>

namespace {

constexpr std::uint64_t kItems = 100'000;

// The numbers 1, 2, ..., kItems. `next` never waits, so the SDK may call it on our thread.
quern::Items numbers() {
  quern::Items items;
  items.next = [n = std::uint64_t{0}](quern::Bytes& item) mutable {
    if (n == kItems) return false;
    item = std::to_string(++n);
    return true;
  };
  items.source = quern::Items::Source::in_memory;
  return items;
}

}  // namespace

int main() try {
  quern::Client client;

  // In the order of the input. A result waits for those before it.
  const quern::Job ordered = client.submit("echo", numbers());
  while (const auto result = ordered.next())
    if ((result->index + 1) % 25'000 == 0) std::cout << "in order: " << result->bytes << '\n';

  // In the order of completion. A result is delivered as soon as it has arrived.
  const quern::Job completed = client.submit("echo", numbers());
  std::uint64_t count = 0;
  while (completed.next_completed()) ++count;
  std::cout << "as completed: " << count << " results\n";

  // Without a copy per result, which is the fastest. The bytes are valid during the call only.
  std::size_t longest = 0;
  client.submit("echo", numbers()).each([&](std::uint64_t, quern::BytesView result) {
    longest = std::max(longest, result.size());
  });
  std::cout << "the longest result has " << longest << " bytes\n";
  return 0;
} catch (const quern::Error& error) {
  std::cerr << "streaming_results: " << error.what() << '\n';
  return 1;
}
