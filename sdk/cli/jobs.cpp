// `quern jobs`: the newest jobs, one line each.
#include <algorithm>
#include <iostream>

#include "cli/command.hpp"
#include "cli/human.hpp"
#include "cli/json.hpp"
#include "cli/options.hpp"
#include "cli/table.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

constexpr Manual kJobsManual = {
    "quern jobs [--limit N]", "Lists the newest jobs, oldest first.",
    "  quern jobs\n  quern jobs --json | jq -r 'select(.state == \"failed\") | .job'\n"};

void print_jobs(const std::vector<JobStatus>& jobs) {
  Table table({{"job", Align::right},
               {"function"},
               {"name"},
               {"state"},
               {"done", Align::right},
               {"total", Align::right},
               {"failed", Align::right},
               {"rate", Align::right},
               {"left", Align::right},
               {"age", Align::right},
               {"reason"}});
  const auto count = [](std::uint64_t n) { return human_count(static_cast<double>(n)); };
  for (const JobStatus& job : jobs)
    table.add({std::to_string(value(job.number)), job.function, job.name, std::string(to_string(job.state)),
               count(job.done), count(job.total) + (job.open ? "+" : ""), count(job.failed),
               is_final(job.state) ? "-" : human_rate(job.rate),
               is_final(job.state) ? "-" : human_seconds(job.eta_s), human_microseconds(job.age_us),
               job.reason});
  std::cout << table.text();
}

}  // namespace

Syntax jobs_syntax() {
  Syntax syntax(kJobsManual);
  syntax.add()("limit", option<std::size_t>("N"), "at most so many; default 100");
  return syntax;
}

Exit jobs(const Arguments& arguments) {
  const auto given = jobs_syntax().parse(arguments);
  if (!given) return Exit::done;
  Client client(given->client());
  auto jobs = client.jobs(given->get_or<std::size_t>("limit", 100));
  std::sort(jobs.begin(), jobs.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  if (!given->json()) {
    print_jobs(jobs);
    return Exit::done;
  }
  for (const JobStatus& job : jobs) std::cout << line_of(to_json(job));
  return Exit::done;
}

}  // namespace quern::cli
