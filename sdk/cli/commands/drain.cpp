// `quern drain`: lets a worker finish what it runs and leave.
#include <iostream>

#include "cli/commands/command.hpp"
#include "cli/output/json.hpp"
#include "cli/output/table.hpp"
#include "cli/syntax/options.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

constexpr Manual kDrainManual = {
    "quern drain WORKER",
    "Asks a worker to finish its running tasks, hand back the rest, and leave. No task is lost.",
    "  quern drain fast\n"};

}  // namespace

Syntax drain_syntax() {
  Syntax syntax(kDrainManual);
  syntax.words(1, 1, "the name of a worker", Word::worker);
  return syntax;
}

Exit drain(const Arguments& arguments) {
  const auto given = drain_syntax().parse(arguments);
  if (!given) return Exit::done;
  const std::string worker = given->words().front();
  Client client(given->client());
  const std::string answer = client.drain(worker);
  if (given->json()) {
    std::cout << line_of({{"worker", worker}, {"answer", answer}});
  } else {
    std::cout << printable(answer) << '\n';
  }
  return Exit::done;
}

}  // namespace quern::cli
