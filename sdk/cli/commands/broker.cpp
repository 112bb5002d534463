// `quern broker`: the state of the broker, and what it has counted since it was started.
#include <iostream>

#include "cli/commands/command.hpp"
#include "cli/output/json.hpp"
#include "cli/output/lists_text.hpp"
#include "cli/syntax/options.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

constexpr Manual kBrokerManual = {
    "quern broker",
    "Shows the jobs, tasks and workers of the broker by their state, and what it has counted per "
    "function since it was started. --json adds how long leases took and jobs waited.",
    "  quern broker\n"
    "  quern broker --json | jq '.functions[] | select(.tasks_failed > 0)'\n"};

}  // namespace

Syntax broker_syntax() { return Syntax(kBrokerManual); }

Exit broker(const Arguments& arguments) {
  const auto given = broker_syntax().parse(arguments);
  if (!given) return Exit::done;
  Client client(given->client());
  const BrokerStatus status = client.broker();
  std::cout << (given->json() ? line_of(to_json(status)) : broker_text(status));
  return Exit::done;
}

}  // namespace quern::cli
