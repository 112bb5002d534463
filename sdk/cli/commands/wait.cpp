// `quern wait`: blocks until jobs have ended, and exits according to their outcome.
#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "cli/commands/command.hpp"
#include "cli/output/json.hpp"
#include "cli/process/interrupt.hpp"
#include "cli/syntax/job_id.hpp"
#include "cli/syntax/options.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

constexpr Manual kWaitManual = {
    "quern wait ID...", "Waits for jobs to end. The exit code is 0 if all are done, else 1.",
    "  quern wait 12 && quern results 12\n  quern wait 12 13 14 --json\n"};

void print_outcome(JobNumber number, const Outcome& outcome, bool json) {
  if (json) {
    Json object = {{"job", value(number)},
                   {"state", to_string(outcome.state)},
                   {"done", outcome.done},
                   {"failed", outcome.failed}};
    if (!outcome.ok()) object["error"] = outcome.text;
    std::cout << line_of(object) << std::flush;
    return;
  }
  std::cout << "job " << value(number) << ' ' << to_string(outcome.state);
  if (!outcome.text.empty()) std::cout << ": " << outcome.text;
  std::cout << std::endl;
}

}  // namespace

Syntax wait_syntax() {
  Syntax syntax(kWaitManual);
  syntax.words(1, 10'000, "the id of a job", Word::job);
  return syntax;
}

Exit wait(const Arguments& arguments) {
  const auto given = wait_syntax().parse(arguments);
  if (!given) return Exit::done;
  std::vector<JobNumber> numbers;
  for (const std::string& word : given->words()) {
    const JobNumber number = job_number(word);
    if (std::find(numbers.begin(), numbers.end(), number) == numbers.end())
      numbers.push_back(number);  // ignores repeated ids
  }

  // Waiting changes nothing, so an interrupt ends it at once, and the jobs continue.
  Interrupt interrupt([] { std::_Exit(static_cast<int>(Exit::interrupted)); });
  Client client(given->client());
  client.connect();
  std::vector<Job> jobs;
  for (const JobNumber number : numbers) jobs.push_back(client.attach(number));
  Exit exit = Exit::done;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const Outcome outcome = jobs[i].wait();
    if (outcome.code == ErrorCode::no_broker) throw ConnectionError(outcome.code, outcome.text);
    print_outcome(numbers[i], outcome, given->json());
    if (outcome.code == ErrorCode::denied)
      exit = Exit::no_broker;
    else if (!outcome.ok() && exit == Exit::done)
      exit = Exit::failed;
  }
  return exit;
}

}  // namespace quern::cli
