#include <iostream>
#include <quern/client.hpp>
#include <quern/typed.hpp>

int main() {
  quern::Client client;
  const quern::Job job = client.submit("square", quern::Range{1, 6});
  for (const quern::Bytes& square : job.get_all())
    std::cout << quern::from_value<std::int64_t>(square) << '\n';
  const quern::Bytes total = client.submit("sum_of_squares", quern::Range{1, 6}).get();
  std::cout << quern::from_value<std::int64_t>(total) << '\n';
}
