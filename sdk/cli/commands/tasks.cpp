// `quern tasks`: in which state the tasks of a job are.
#include <algorithm>
#include <iostream>

#include "cli/commands/command.hpp"
#include "cli/output/json.hpp"
#include "cli/output/lists_text.hpp"
#include "cli/syntax/job_id.hpp"
#include "cli/syntax/options.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

constexpr Manual kTasksManual = {
    "quern tasks ID [--state STATE] [--from N] [--limit N]",
    "Shows which tasks of a job wait, run, are done, have failed or were cancelled, as intervals "
    "of "
    "consecutive tasks. Tasks are counted from 0, as in `quern results --json`.",
    "  quern tasks 12\n"
    "  quern tasks 12 --state failed\n"
    "  quern tasks 12 --state leased --json | jq -r .worker | sort | uniq -c\n"};

constexpr std::uint64_t kLimit = 1000;

std::optional<TaskState> state_of(const std::string& word) {
  if (word.empty()) return std::nullopt;
  for (int i = 0; i <= static_cast<int>(TaskState::blocked); ++i)
    if (const auto state = static_cast<TaskState>(i);
        state != TaskState::unknown && to_string(state) == word)
      return state;
  throw UsageError(
      "--state takes waiting, retrying, leased, unsure, done, failed, cancelled, "
      "ended or blocked, not '" +
      word + "'");
}

}  // namespace

Syntax tasks_syntax() {
  Syntax syntax(kTasksManual);
  syntax.words(1, 1, "the id of a job", Word::job);
  auto add = syntax.add();
  add("state", option<std::string>("STATE"),
      "only waiting, retrying, leased, unsure, done, failed, cancelled, ended or blocked tasks");
  add("from", option<std::uint64_t>("N"), "index of the first task; default 0");
  add("limit", option<std::uint64_t>("N"), "maximum number of intervals; default 1000");
  return syntax;
}

Exit tasks(const Arguments& arguments) {
  const auto given = tasks_syntax().parse(arguments);
  if (!given) return Exit::done;
  const JobNumber number = job_number(given->words().front());
  const auto state = state_of(given->get_or<std::string>("state", {}));
  const auto limit = given->get_or<std::uint64_t>("limit", kLimit);
  if (limit == 0) throw UsageError("--limit must be at least 1");
  std::uint64_t from = given->get_or<std::uint64_t>("from", 0);
  Client client(given->client());
  std::vector<TaskSpan> spans;
  do {
    TaskPage page = client.tasks(number, from, std::min(limit - spans.size(), kLimit));
    for (TaskSpan& span : page.spans)
      if (!state || span.state == *state) spans.push_back(std::move(span));
    from = page.next;
  } while (from != 0 && spans.size() < limit);
  if (given->json())
    for (const TaskSpan& span : spans) std::cout << line_of(to_json(span));
  else
    std::cout << tasks_text(spans);
  if (from != 0) {
    std::cout.flush();
    std::cerr << "quern: there are more: continue with --from " << from << '\n';
  }
  return Exit::done;
}

}  // namespace quern::cli
