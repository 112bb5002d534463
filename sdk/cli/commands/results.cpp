// `quern results`: the results of a job that anybody submitted.
#include <cstdlib>
#include <iostream>

#include "cli/commands/command.hpp"
#include "cli/output/console.hpp"
#include "cli/output/json.hpp"
#include "cli/output/lists_text.hpp"
#include "cli/output/output.hpp"
#include "cli/output/result_printer.hpp"
#include "cli/process/interrupt.hpp"
#include "cli/syntax/job_id.hpp"
#include "cli/syntax/options.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

constexpr Manual kResultsManual = {
    "quern results ID [--failed [--group]] [--follow]",
    "Prints the results of a job in input order. Reading frees nothing. --group prints a line for "
    "all failures whose codes are equal and whose texts differ only in numbers, the most frequent "
    "first, up to 100. The exit code is 0 if the job is done, else 1.",
    "  quern results 12\n"
    "  quern results 12 --failed --json\n"
    "  quern results 12 --failed --group\n"
    "  quern results 12 --follow     as they arrive, until it ends\n"};

enum class Which : unsigned char { all, failed };

/// False if the reader of standard output is gone.
bool print_results(const Job& job, const JobStatus& status, Which which, ResultPrinter& printer) {
  while (const auto result = job.next()) {
    if (which == Which::failed && result->ok) continue;
    if (!printer.print(*result, shown_encoding(status.function, status.input == InputKind::range,
                                               job.encoding())))
      return false;
  }
  return true;
}

Exit print_job(const Job& job, const JobStatus& status, Which which, Format format) {
  const JobNumber number = status.number;
  Console console;
  Output output(&console);
  ResultPrinter printer(format, output, console, status.function == "exec");
  bool read = print_results(job, status, which, printer);
  const Outcome outcome = job.wait();
  if (read && job.reduced() && which == Which::all) {
    const auto reduced = outcome.ok() ? job.get_optional() : std::nullopt;
    read = printer.print_reduced(number, outcome, reduced, job.encoding());
  }
  const auto state = output.flush();
  if (state == Output::State::reader_gone) die_of_broken_pipe();
  if (state == Output::State::broken)
    throw std::runtime_error("cannot write results: " + output.error());
  printer.print_rest();
  if (outcome.code == ErrorCode::no_broker || outcome.code == ErrorCode::denied)
    throw ConnectionError(outcome.code, outcome.text);
  if (!outcome.ok())
    console.say("job " + std::to_string(value(number)) + ' ' +
                std::string(to_string(outcome.state)) +
                (outcome.text.empty() ? "" : ": " + outcome.text));
  return outcome.ok() && printer.failed() == 0 ? Exit::done : Exit::failed;
}

Exit print_groups(Client& client, const JobStatus& status, bool json) {
  const ErrorGroups errors = client.errors(status.number);
  if (!json && !errors.groups.empty()) std::cout << errors_text(errors.groups);
  if (json)
    for (const ErrorGroup& group : errors.groups) std::cout << line_of(to_json(group));
  std::cout.flush();
  if (errors.more > 0)
    std::cerr << "quern: " << errors.more << " more groups of failures are not listed\n";
  if (errors.tasks < status.failed)
    std::cerr << "quern: the errors of " << status.failed - errors.tasks
              << " failed tasks were read by the client of the job and have been deleted\n";
  return status.state == JobState::done ? Exit::done : Exit::failed;
}

}  // namespace

Syntax results_syntax() {
  Syntax syntax(kResultsManual);
  syntax.words(1, 1, "the id of a job", Word::job);
  auto add = syntax.add();
  add("failed", flag(), "only the tasks that failed");
  add("group", flag(), "group failures that are alike, also while the job runs; needs --failed");
  add("follow", flag(), "print also what comes until the job ends");
  return syntax;
}

Exit results(const Arguments& arguments) {
  const auto given = results_syntax().parse(arguments);
  if (!given) return Exit::done;
  const JobNumber number = job_number(given->words().front());
  if (given->flag("group") && !given->flag("failed"))
    throw UsageError("--group groups failures: add --failed");
  if (given->flag("group") && given->flag("follow"))
    throw UsageError("--group and --follow exclude each other");

  Interrupt interrupt([] { std::_Exit(static_cast<int>(Exit::interrupted)); });
  Client client(given->client());
  const JobStatus status = client.job(number);
  if (given->flag("group")) return print_groups(client, status, given->json());
  if (!is_final(status.state) && !given->flag("follow"))
    throw std::runtime_error(
        "job " + std::to_string(value(number)) + " is not finished (" +
        std::to_string(status.done) + " of " + std::to_string(status.total) +
        " tasks): wait for it with `quern wait`, or print results as they arrive with --follow");
  return print_job(client.attach(number), status,
                   given->flag("failed") ? Which::failed : Which::all,
                   given->json() ? Format::json : Format::text);
}

}  // namespace quern::cli
