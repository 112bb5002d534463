// `quern retry`: runs the failed tasks of a job again.
#include <iostream>

#include "cli/commands/command.hpp"
#include "cli/output/json.hpp"
#include "cli/syntax/job_id.hpp"
#include "cli/syntax/options.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

constexpr Manual kRetryManual = {
    "quern retry ID",
    "Runs the failed tasks of an ended job again, and no others. Their payloads are kept as long "
    "as the job. Afterwards `quern wait` and `quern results` show how they ended this time.",
    "  quern results 12 --failed\n  quern retry 12 && quern wait 12\n"};

}  // namespace

Syntax retry_syntax() {
  Syntax syntax(kRetryManual);
  syntax.words(1, 1, "the id of a job", Word::job);
  return syntax;
}

Exit retry(const Arguments& arguments) {
  const auto given = retry_syntax().parse(arguments);
  if (!given) return Exit::done;
  const JobId id = job_id(given->words().front());
  if (id.task)
    throw UsageError("retry takes a job, not a task: it runs all its failed tasks again");
  Client client(given->client());
  const JobStatus status = client.retry(id.number);
  if (given->json()) {
    std::cout << line_of(to_json(status));
  } else {
    std::cout << "job " << value(status.number) << ' ' << to_string(status.state) << ": "
              << status.total - status.done - status.cancelled << " of " << status.total
              << " tasks run again\n";
  }
  return Exit::done;
}

}  // namespace quern::cli
