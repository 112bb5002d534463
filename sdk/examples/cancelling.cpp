// Shows three ways to cancel: the whole job, some tasks of it, or only what has not begun. The
// function `sleep` of the stock worker takes microseconds.
//
//   quern up --slots 1                     # in a second terminal:
//   build/release/bin/example_cancelling
#include <chrono>
#include <iostream>
#include <quern/client.hpp>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

const std::string hour = "3600000000";

void wait_until_it_runs(const quern::Job& job) {
  while (job.progress().state == quern::JobState::waiting) std::this_thread::sleep_for(10ms);
}

void print(const char* what, const quern::Outcome& outcome) {
  std::cout << what << ": " << to_string(outcome.state) << ", " << outcome.done << " done, "
            << outcome.failed << " failed\n";
}

}  // namespace

int main() try {
  quern::Client client;

  // The whole job. Running functions see Task::cancelled(); the job ends without waiting for them.
  const quern::Job all = client.submit("sleep", quern::Items::of(std::vector{hour, hour}));
  wait_until_it_runs(all);
  all.cancel();
  print("the whole job", all.wait());

  // Some tasks: here the second and the third. They count as failed, with the code `cancelled`.
  const std::vector<std::string> some{"1000", hour, hour, "1000"};
  const quern::Job part = client.submit("sleep", quern::Items::of(some));
  client.cancel(part.number(), 1, 2);
  while (const auto result = part.next())
    std::cout << "task " << result->index << ": " << (result->ok ? "done" : to_string(result->code))
              << '\n';

  // What no worker has begun: what runs may finish, and its results are kept.
  const quern::Job begun =
      client.submit("sleep", quern::Items::of(std::vector<std::string>(100, "300000")));
  wait_until_it_runs(begun);
  client.cancel_waiting(begun.number());
  const quern::Outcome outcome = begun.wait();
  std::cout << "what had not begun: " << to_string(outcome.state) << ", "
            << (outcome.done > 0 && outcome.done < 100 ? "some" : "all or none") << " done\n";
  return 0;
} catch (const quern::Error& error) {
  std::cerr << "cancelling: " << error.what() << '\n';
  return 1;
}
