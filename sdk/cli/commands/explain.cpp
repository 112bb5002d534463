// `quern explain`: the broker's explanation of the state of a job.
#include <iostream>

#include "cli/commands/command.hpp"
#include "cli/output/json.hpp"
#include "cli/output/lists_text.hpp"
#include "cli/syntax/job_id.hpp"
#include "cli/syntax/options.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

constexpr Manual kExplainManual = {
    "quern explain ID",
    "Explains why a job waits, how it is split, what it needs, and which workers run it.",
    "  quern explain 12\n"};

}  // namespace

Syntax explain_syntax() {
  Syntax syntax(kExplainManual);
  syntax.words(1, 1, "the id of a job", Word::job);
  return syntax;
}

Exit explain(const Arguments& arguments) {
  const auto given = explain_syntax().parse(arguments);
  if (!given) return Exit::done;
  const JobNumber number = job_number(given->words().front());
  Client client(given->client());
  const auto sentences = client.explain(number);
  if (given->json()) {
    std::cout << line_of({{"job", value(number)}, {"explain", sentences}});
    return Exit::done;
  }
  std::cout << explain_text(sentences);
  return Exit::done;
}

}  // namespace quern::cli
