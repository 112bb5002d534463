// `quern jobs`: the newest jobs, or those that meet some conditions, one line each.
#include <algorithm>
#include <iostream>

#include "cli/commands/command.hpp"
#include "cli/output/json.hpp"
#include "cli/output/lists_text.hpp"
#include "cli/syntax/job_id.hpp"
#include "cli/syntax/options.hpp"
#include "cli/syntax/states.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

constexpr Manual kJobsManual = {
    "quern jobs [conditions] [--limit N]",
    "Lists the newest jobs that meet all conditions, oldest first. If there may be more, it says "
    "how to list them.",
    "  quern jobs\n"
    "  quern jobs --state running,failed --function wordcount\n"
    "  quern jobs --name 'night-*' --text 'no space left'\n"
    "  quern jobs --limit 1000 --before 5000\n"
    "  quern jobs --json | jq -r 'select(.failed > 0) | .job'\n"};

constexpr std::size_t kLimitDefault = 100, kLimitMost = 1'000'000;

std::size_t limit_of(const Given& given) {
  const long limit = given.get_or<long>("limit", static_cast<long>(kLimitDefault));
  if (limit < 1 || limit > static_cast<long>(kLimitMost))
    throw UsageError("--limit takes 1 to " + std::to_string(kLimitMost));
  return static_cast<std::size_t>(limit);
}

JobQuery query_of(const Given& given) {
  JobQuery query;
  query.limit = limit_of(given);
  if (given.has("before")) query.before = job_number(given.get<std::string>("before"));
  if (given.has("state")) query.states = job_states(given.get<std::string>("state"));
  query.function = given.get_or<std::string>("function", "");
  query.owner = given.get_or<std::string>("owner", "");
  query.name = given.get_or<std::string>("name", "");
  query.text = given.get_or<std::string>("text", "");
  return query;
}

}  // namespace

Syntax jobs_syntax() {
  Syntax syntax(kJobsManual);
  auto add = syntax.add();
  add("state", option<std::string>("STATE,..."),
      "only in one of these states: waiting, running, done, failed, cancelled, lost");
  add("function", option<std::string>("NAME"), "only of this function");
  add("owner", option<std::string>("NAME"), "only of this principal");
  add("name", option<std::string>("PATTERN"),
      "only with a matching name; * and ? stand for others");
  add("text", option<std::string>("TEXT"),
      "only with this text in the name, function or reason, in any case");
  add("limit", option<long>("N"), "maximum number to list; default 100");
  add("before", option<std::string>("ID"), "only jobs that are older than this one");
  return syntax;
}

Exit jobs(const Arguments& arguments) {
  const auto given = jobs_syntax().parse(arguments);
  if (!given) return Exit::done;
  const JobQuery query = query_of(*given);
  Client client(given->client());
  auto [jobs, before] = client.jobs(query);
  std::sort(jobs.begin(), jobs.end(),
            [](const auto& a, const auto& b) { return a.number < b.number; });
  if (given->json()) {
    for (const JobStatus& job : jobs) std::cout << line_of(to_json(job));
  } else {
    std::cout << jobs_text(jobs);
  }
  std::cout.flush();
  // Whoever named a limit knows that there may be more, and a program finds the next page by the
  // lowest number.
  if (value(before) != 0 && !given->json() && !given->has("limit"))
    std::cerr << "quern: there may be older ones: add --before " << value(before)
              << ", or a higher --limit\n";
  return Exit::done;
}

}  // namespace quern::cli
