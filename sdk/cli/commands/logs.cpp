// `quern logs`: what the commands of a job wrote, whoever submitted it.
#include <cstdlib>
#include <optional>

#include "cli/commands/command.hpp"
#include "cli/output/command_printer.hpp"
#include "cli/process/interrupt.hpp"
#include "cli/syntax/job_id.hpp"
#include "cli/syntax/options.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

constexpr Manual kLogsManual = {"quern logs ID [--task N] [--stdout | --stderr] [--follow]",
                                "Prints what the commands of a job (`quern run exec`, `quern map`) "
                                "wrote: standard output to standard output, standard error to "
                                "standard error. Tasks are counted from 0, as in `quern "
                                "results --json`. Reading frees nothing.",
                                "  quern logs 12\n  quern logs 12 --task 3 --stderr\n  quern logs "
                                "12 --follow --json | jq .code\n"};

struct Wanted {
  std::optional<std::uint64_t> task;
  bool out = true;
  bool err = true;
  bool json = false;
};

/// The number of commands that were found; 0 also if the reader of standard output is gone.
std::uint64_t print_all(const Job& job, const Wanted& wanted, CommandPrinter& printer) {
  std::uint64_t found = 0;
  while (const auto result = job.next()) {
    if (wanted.task && result->index != *wanted.task) continue;
    ++found;
    if (result->bytes.empty()) {
      if (!printer.print_lost(result->index + 1, std::string(to_string(result->code)),
                              result->text))
        return found;
    } else {
      CommandResult command;
      try {
        command = command_result(result->bytes);
      } catch (const std::invalid_argument&) {
        if (!printer.print_lost(result->index + 1, "failed",
                                "the worker's result is not the result of a command; is it a "
                                "worker of another version?"))
          return found;
        continue;
      }
      if (!wanted.out) command.out.clear();
      if (!wanted.err) command.err.clear();
      if (!printer.print(command, result->text)) return found;
    }
    if (wanted.task) break;
  }
  return found;
}

}  // namespace

Syntax logs_syntax() {
  Syntax syntax(kLogsManual);
  syntax.words(1, 1, "the id of a job", Word::job);
  auto add = syntax.add();
  add("task", option<long>("N"),
      "only the output of this task, by its index from 0; command 1 of `quern map` is task 0");
  add("stdout", flag(), "only standard output");
  add("stderr", flag(), "only standard error");
  add("follow", flag(), "print also what comes until the job ends");
  return syntax;
}

Exit logs(const Arguments& arguments) {
  const auto given = logs_syntax().parse(arguments);
  if (!given) return Exit::done;
  const JobNumber number = job_number(given->words().front());
  Wanted wanted{.task = std::nullopt,
                .out = !given->flag("stderr"),
                .err = !given->flag("stdout"),
                .json = given->json()};
  if (!wanted.out && !wanted.err) throw UsageError("--stdout and --stderr exclude each other");
  if (given->has("task")) {
    const long task = given->get<long>("task");
    if (task < 0) throw UsageError("--task takes an index from 0 (the first task)");
    wanted.task = static_cast<std::uint64_t>(task);
  }

  Interrupt interrupt([] { std::_Exit(static_cast<int>(Exit::interrupted)); });
  Client client(given->client());
  const JobStatus status = client.job(number);
  const std::string id = std::to_string(value(number));
  if (status.function != "exec")
    throw std::runtime_error("job " + id + " runs the function `" + status.function +
                             "`, not commands; see `quern results " + id + "`");
  if (!is_final(status.state) && !given->flag("follow") && !wanted.task)
    throw std::runtime_error("job " + id + " is not finished (" + std::to_string(status.done) +
                             " of " + std::to_string(status.total) +
                             "tasks): wait for it with `quern wait`, or print what there is and "
                             "what comes with --follow");
  Console console;
  Output output(&console);
  CommandPrinter printer({wanted.json, false}, output, console);
  const Job job = client.attach(number);
  const std::uint64_t found = print_all(job, wanted, printer);
  if (output.flush() == Output::State::reader_gone) die_of_broken_pipe();
  if (wanted.task && found == 0)
    throw std::runtime_error(
        "there is no output for task " + std::to_string(*wanted.task) + " of job " + id +
        (status.detached ? "" : " (output that its client has read is not kept)"));
  return Exit::done;
}

}  // namespace quern::cli
