// `quern pause` and `quern resume`: keep jobs from getting more leases, and let them go on.
#include <iostream>

#include "cli/commands/command.hpp"
#include "cli/output/json.hpp"
#include "cli/syntax/job_id.hpp"
#include "cli/syntax/options.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

constexpr Manual kPauseManual = {
    "quern pause ID...",
    "Keeps jobs from starting more tasks until `quern resume`. Tasks that workers hold already "
    "continue, and the job can still be appended to, read and cancelled.",
    "  quern pause 12\n"
    "  quern pause 12 13 && quern resume 12\n"};

constexpr Manual kResumeManual = {
    "quern resume ID...", "Lets paused jobs go on.",
    "  quern resume 12\n"
    "  quern jobs --text paused --json | jq .job | xargs quern resume\n"};

Syntax syntax_of(const Manual& manual) {
  Syntax syntax(manual);
  syntax.words(1, Syntax::kAnyNumber, "the id of a job", Word::job);
  return syntax;
}

std::string text_of(const JobStatus& status) {
  std::string text = "job " + std::to_string(value(status.number)) + ' ';
  if (!status.paused) return text + std::string(to_string(status.state)) + '\n';
  return text + "paused: " + std::to_string(status.leased) + " of " + std::to_string(status.total) +
         " tasks still run\n";
}

Exit change(const Syntax& syntax, const Arguments& arguments,
            JobStatus (Client::*action)(JobNumber)) {
  const auto given = syntax.parse(arguments);
  if (!given) return Exit::done;
  std::vector<JobNumber> numbers;
  for (const std::string& word : given->words()) numbers.push_back(job_number(word));
  Client client(given->client());
  for (const JobNumber number : numbers) {
    const JobStatus status = (client.*action)(number);
    std::cout << (given->json() ? line_of(to_json(status)) : text_of(status));
  }
  return Exit::done;
}

}  // namespace

Syntax pause_syntax() { return syntax_of(kPauseManual); }
Syntax resume_syntax() { return syntax_of(kResumeManual); }

Exit pause(const Arguments& arguments) { return change(pause_syntax(), arguments, &Client::pause); }

Exit resume(const Arguments& arguments) {
  return change(resume_syntax(), arguments, &Client::resume);
}

}  // namespace quern::cli
