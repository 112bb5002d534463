// Shows how errors arrive: as results of single tasks, as exceptions, or as an outcome.
//
//   quern up                               # a broker; in a second terminal:
//   build/release/bin/example_square_worker
//   build/release/bin/example_handling_errors
#include <iostream>
#include <quern/client.hpp>
#include <quern/typed.hpp>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;

const std::vector<std::string> numbers{"1", "two", "3"};  // `square` cannot read the second

// One task at a time: a failed task is a result like the others.
void task_by_task(quern::Client& client) {
  const quern::Job job = client.submit("square", quern::Items::of(numbers));
  while (const auto result = job.next()) {
    if (result->ok)
      std::cout << numbers[result->index] << " -> "
                << quern::from_value<std::uint64_t>(result->bytes) << '\n';
    else
      std::cout << numbers[result->index] << " -> " << to_string(result->code) << ": "
                << result->text << '\n';
  }
}

// All or nothing: JobError carries the failed tasks.
void with_exceptions(quern::Client& client) {
  try {
    client.submit("square", quern::Items::of(numbers)).get_all();
  } catch (const quern::JobError& error) {
    for (const quern::TaskError& task : error.tasks())
      std::cout << "JobError: task " << task.first << ": " << to_string(task.code) << '\n';
  }
  try {
    client.submit("square", quern::Whole{"2"}, {.weight = -1}).get();
  } catch (const quern::SubmitError& error) {  // nothing was accepted, so nothing ran
    std::cout << "SubmitError: " << to_string(error.code()) << ": " << error.what() << '\n';
  }
  try {
    quern::Client nowhere({.endpoint = "tcp://127.0.0.1:1", .first_wait = 100ms});
    nowhere.connect();
  } catch (const quern::ConnectionError& error) {  // what() says what to do
    std::cout << "ConnectionError: " << to_string(error.code()) << '\n';
  }
}

// Without exceptions: wait() reports everything as a value.
void without_exceptions(quern::Client& client) {
  const quern::Outcome outcome = client.submit("square", quern::Items::of(numbers)).wait();
  std::cout << "outcome: " << to_string(outcome.state) << ", " << outcome.done << " done, "
            << outcome.failed << " failed\n";
}

}  // namespace

int main() try {
  quern::Client client;
  task_by_task(client);
  with_exceptions(client);
  without_exceptions(client);
  return 0;
} catch (const quern::Error& error) {
  std::cerr << "handling_errors: " << error.what() << '\n';
  return 1;
}
