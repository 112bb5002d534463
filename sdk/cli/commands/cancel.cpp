// `quern cancel`: ends a job, or one task of it.
#include <iostream>

#include "cli/commands/command.hpp"
#include "cli/output/json.hpp"
#include "cli/syntax/job_id.hpp"
#include "cli/syntax/options.hpp"
#include "cli/syntax/task_intervals.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

constexpr Manual kCancelManual = {
    "quern cancel ID [--tasks A:B] [--tree] [--dry-run]",
    "Cancels a job (12), one of its tasks (12.5) or some of them (--tasks). Tasks that have ended "
    "keep their results.",
    "  quern cancel 12\n"
    "  quern cancel 12.5\n"
    "  quern cancel 12 --tasks 0:100,500:600 --dry-run\n"
    "  quern cancel 12 --tree                 and what depends on it\n"};

CancelQuery cancel_query(const JobId& id, const Given& given) {
  CancelQuery query;
  query.dry_run = given.flag("dry-run");
  query.tree = given.flag("tree");
  if (query.tree && (id.task || given.has("tasks")))
    throw UsageError("--tree cancels whole jobs: it cannot be combined with a task or --tasks");
  if (id.task && given.has("tasks"))
    throw UsageError("give a task (12.5) or --tasks A:B, not both");
  if (id.task) query.tasks = {{*id.task, *id.task + 1}};
  if (given.has("tasks")) query.tasks = task_intervals(given.get<std::string>("tasks"));
  return query;
}

}  // namespace

Syntax cancel_syntax() {
  Syntax syntax(kCancelManual);
  syntax.words(1, 1, "the id of a job", Word::job);
  auto add = syntax.add();
  add("tasks", option<std::string>("A:B,..."), "only tasks A up to B - 1");
  add("tree", flag(), "and all jobs that depend on it, directly or through others");
  add("dry-run", flag(), "only say how many tasks would be cancelled");
  return syntax;
}

Exit cancel(const Arguments& arguments) {
  const auto given = cancel_syntax().parse(arguments);
  if (!given) return Exit::done;
  const JobId id = job_id(given->words().front());
  const CancelQuery query = cancel_query(id, *given);
  Client client(given->client());
  client.job(id.number);  // reports an unknown job by its number
  const auto [status, tasks] = client.cancel(id.number, query);
  if (given->json()) {
    Json object = to_json(status);
    object["touched"] = tasks;
    std::cout << line_of(object);
  } else if (query.dry_run && query.tree) {
    std::cout << "job " << value(status.number) << ' ' << to_string(status.state) << ": " << tasks
              << " tasks of it and of the jobs that depend on it would be cancelled\n";
  } else if (query.dry_run) {
    std::cout << "job " << value(status.number) << ' ' << to_string(status.state) << ": " << tasks
              << " of " << status.total << " tasks would be cancelled\n";
  } else {
    std::cout << "job " << value(status.number) << ' ' << to_string(status.state) << ": "
              << status.done << " of " << status.total << " tasks done, " << status.cancelled
              << " cancelled\n";
  }
  return Exit::done;
}

}  // namespace quern::cli
