// `quern notes`: what the tasks of a job say about themselves.
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

constexpr Manual kNotesManual = {
    "quern notes ID [--task N]",
    "Shows the log lines of the functions of a job (Task::log), oldest first, and how far its "
    "running tasks are (Task::progress). The broker keeps the newest 200 lines of a job in memory, "
    "and forgets them when it is restarted.",
    "  quern notes 12\n"
    "  quern notes 12 --task 3\n"
    "  quern notes 12 --json | jq -r 'select(.progress) | .progress'\n"};

}  // namespace

Syntax notes_syntax() {
  Syntax syntax(kNotesManual);
  syntax.words(1, 1, "the id of a job", Word::job);
  syntax.add()("task", option<std::uint64_t>("N"), "only of this task");
  return syntax;
}

Exit notes(const Arguments& arguments) {
  const auto given = notes_syntax().parse(arguments);
  if (!given) return Exit::done;
  Client client(given->client());
  std::vector<TaskNote> notes = client.notes(job_number(given->words().front()));
  if (given->has("task")) {
    const auto task = given->get<std::uint64_t>("task");
    std::erase_if(notes, [task](const TaskNote& note) { return note.task != task; });
  }
  if (given->json())
    for (const TaskNote& note : notes) std::cout << line_of(to_json(note));
  else
    std::cout << notes_text(notes);
  return Exit::done;
}

}  // namespace quern::cli
