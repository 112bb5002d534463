// Shows how a second process takes over a job: the first submits it detached, prints its number and
// ends; the second attaches by that number, follows the progress and reads the results.
//
//   quern up                               # in a second terminal:
//   id=$(build/release/bin/example_attaching)
//   build/release/bin/example_attaching $id
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <quern/client.hpp>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;

void submit() {
  quern::Client client;
  const std::vector<std::string> grains{"wheat", "rye", "barley"};
  const quern::Job job =
      client.submit("echo", quern::Items::of(grains), {.name = "grains", .detach = true});
  job.wait_for_intake();  // from here on the broker needs us no more
  std::cout << value(job.number()) << '\n';
}

int follow(quern::JobNumber number) {
  quern::Client client;
  const quern::Job job = client.attach(number);
  job.on_progress(
      [](const quern::Progress& progress) {
        std::cerr << progress.done << " of " << progress.total << " done\n";
      },
      1s);
  // Reading frees nothing: a third process could read the same results.
  while (const auto result = job.next()) std::cout << result->bytes << '\n';
  const quern::Outcome outcome = job.wait();
  std::cout << "the job is " << to_string(outcome.state) << '\n';
  return outcome.ok() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc > 1) return follow(quern::JobNumber{std::strtoull(argv[1], nullptr, 10)});
  submit();
  return 0;
} catch (const quern::Error& error) {
  std::cerr << "attaching: " << error.what() << '\n';
  return 1;
}
