// `quern jobs`: the newest jobs, one line each.
#include <algorithm>
#include <iostream>

#include "cli/commands/command.hpp"
#include "cli/output/json.hpp"
#include "cli/output/lists_text.hpp"
#include "cli/syntax/options.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

constexpr Manual kJobsManual = {
    "quern jobs [--limit N]", "Lists the newest jobs, oldest first.",
    "  quern jobs\n  quern jobs --json | jq -r 'select(.state == \"failed\") | .job'\n"};

constexpr std::size_t kLimitDefault = 100, kLimitMost = 1'000'000;
constexpr std::size_t kAnswerOfBroker = 1000;  // minimum number of jobs in one of its answers

std::size_t limit_of(const Given& given) {
  const long limit = given.get_or<long>("limit", static_cast<long>(kLimitDefault));
  if (limit < 1 || limit > static_cast<long>(kLimitMost))
    throw UsageError("--limit takes 1 to " + std::to_string(kLimitMost));
  return static_cast<std::size_t>(limit);
}

}  // namespace

Syntax jobs_syntax() {
  Syntax syntax(kJobsManual);
  syntax.add()("limit", option<long>("N"), "maximum number to list; default 100");
  return syntax;
}

Exit jobs(const Arguments& arguments) {
  const auto given = jobs_syntax().parse(arguments);
  if (!given) return Exit::done;
  Client client(given->client());
  const std::size_t limit = limit_of(*given);
  auto jobs = client.jobs(limit);
  std::sort(jobs.begin(), jobs.end(),
            [](const auto& a, const auto& b) { return a.number < b.number; });
  if (!given->json()) {
    std::cout << jobs_text(jobs);
  } else {
    for (const JobStatus& job : jobs) std::cout << line_of(to_json(job));
  }
  // The broker limits the size of an answer.
  if (jobs.size() < limit && jobs.size() >= kAnswerOfBroker)
    std::cerr
        << "quern: only the newest " << jobs.size()
        << " jobs are listed, the maximum at once; there may be older ones (`quern job ID`)\n";
  return Exit::done;
}

}  // namespace quern::cli
