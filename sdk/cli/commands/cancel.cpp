// `quern cancel`: ends a job, or one task of it.
#include <iostream>

#include "cli/commands/command.hpp"
#include "cli/output/json.hpp"
#include "cli/syntax/job_id.hpp"
#include "cli/syntax/options.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

constexpr Manual kCancelManual = {
    "quern cancel ID",
    "Cancels a job (12) or one of its tasks (12.5). Tasks that have ended keep their results.",
    "  quern cancel 12\n  quern cancel 12.5\n"};

}  // namespace

Syntax cancel_syntax() {
  Syntax syntax(kCancelManual);
  syntax.words(1, 1, "the id of a job", Word::job);
  return syntax;
}

Exit cancel(const Arguments& arguments) {
  const auto given = cancel_syntax().parse(arguments);
  if (!given) return Exit::done;
  const JobId id = job_id(given->words().front());
  Client client(given->client());
  client.job(id.number);  // reports an unknown job by its number
  const JobStatus status =
      id.task ? client.cancel(id.number, *id.task, 1) : client.cancel(id.number);
  if (given->json()) {
    std::cout << line_of(to_json(status));
  } else {
    std::cout << "job " << value(status.number) << ' ' << to_string(status.state) << ": "
              << status.done << " of " << status.total << " tasks done, " << status.cancelled
              << " cancelled\n";
  }
  return Exit::done;
}

}  // namespace quern::cli
