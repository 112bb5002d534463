// `quern retry`: runs the failed tasks of a job again.
#include <iostream>

#include "cli/commands/command.hpp"
#include "cli/output/json.hpp"
#include "cli/syntax/job_id.hpp"
#include "cli/syntax/options.hpp"
#include "cli/syntax/task_intervals.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

constexpr Manual kRetryManual = {
    "quern retry ID [--tasks A:B] [--error CODE] [--text TEXT] [--dry-run]",
    "Runs the failed tasks of an ended job again, and no others: all of them, or those that meet "
    "all conditions. Their payloads are kept as long as the job. Afterwards `quern wait` and "
    "`quern "
    "results` show how they ended this time.",
    "  quern results 12 --failed --group\n"
    "  quern retry 12 && quern wait 12\n"
    "  quern retry 12 --error timeout --dry-run\n"
    "  quern retry 12 --tasks 0:100 --text 'no space left on device'\n"};

RetryQuery retry_query(const Given& given) {
  RetryQuery query;
  query.dry_run = given.flag("dry-run");
  if (given.has("tasks")) query.tasks = task_intervals(given.get<std::string>("tasks"));
  query.text = given.get_or<std::string>("text", "");
  if (!given.has("error")) return query;
  const std::string& word = given.get<std::string>("error");
  query.code = error_code(word);
  if (to_string(query.code) != word || query.code == ErrorCode::none)
    throw UsageError(
        "--error takes the code of an error, such as failed, timeout, permanent or "
        "lost_worker, not '" +
        word + "'");
  return query;
}

}  // namespace

Syntax retry_syntax() {
  Syntax syntax(kRetryManual);
  syntax.words(1, 1, "the id of a job", Word::job);
  auto add = syntax.add();
  add("tasks", option<std::string>("A:B,..."), "only tasks A up to B - 1");
  add("error", option<std::string>("CODE"), "only tasks that failed with this code");
  add("text", option<std::string>("TEXT"),
      "only tasks that failed with this text, or in the group with this text: <n> is any number");
  add("dry-run", flag(), "only say how many tasks would run again");
  return syntax;
}

Exit retry(const Arguments& arguments) {
  const auto given = retry_syntax().parse(arguments);
  if (!given) return Exit::done;
  const JobId id = job_id(given->words().front());
  if (id.task)
    throw UsageError("retry takes a job, not a task: it runs all its failed tasks again");
  const RetryQuery query = retry_query(*given);
  Client client(given->client());
  const auto [status, tasks] = client.retry(id.number, query);
  if (given->json()) {
    Json object = to_json(status);
    object["touched"] = tasks;
    std::cout << line_of(object);
  } else {
    std::cout << "job " << value(status.number) << ' ' << to_string(status.state) << ": " << tasks
              << " of " << status.total << " tasks "
              << (query.dry_run ? "would run again\n" : "run again\n");
  }
  return Exit::done;
}

}  // namespace quern::cli
