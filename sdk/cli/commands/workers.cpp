// `quern workers`: the connected workers, their capacity and their measured rates.
#include <algorithm>
#include <iostream>

#include "cli/commands/command.hpp"
#include "cli/output/json.hpp"
#include "cli/output/lists_text.hpp"
#include "cli/syntax/options.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

constexpr Manual kWorkersManual = {
    "quern workers", "Lists the connected workers with their capacity, load and measured rates.",
    "  quern workers\n  quern workers --json | jq -r .worker\n"};

}  // namespace

Syntax workers_syntax() { return Syntax(kWorkersManual); }

Exit workers(const Arguments& arguments) {
  const auto given = workers_syntax().parse(arguments);
  if (!given) return Exit::done;
  Client client(given->client());
  auto workers = client.workers();
  std::sort(workers.begin(), workers.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  if (!given->json()) {
    std::cout << workers_text(workers);
    return Exit::done;
  }
  for (const WorkerStatus& worker : workers) std::cout << line_of(to_json(worker));
  return Exit::done;
}

}  // namespace quern::cli
