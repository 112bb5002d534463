// Submits a range to that worker and prints the results in order.
#include <iostream>
#include <quern/client.hpp>
#include <quern/typed.hpp>

int main() {
  quern::Client client;  // QUERN_BROKER, else tcp://127.0.0.1:7600
  for (const quern::Bytes& square : client.submit("square", quern::Range{1, 6}).get_all())
    std::cout << quern::from_value<std::uint64_t>(square) << '\n';
}
