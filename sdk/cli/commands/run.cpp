// `quern run`: submits a job, prints its results as soon as possible, and exits according to its
// outcome.
#include <cstdlib>
#include <iostream>
#include <optional>

#include "cli/commands/command.hpp"
#include "cli/commands/run_exec.hpp"
#include "cli/output/console.hpp"
#include "cli/output/json.hpp"
#include "cli/output/output.hpp"
#include "cli/output/progress.hpp"
#include "cli/output/result_printer.hpp"
#include "cli/process/attended.hpp"
#include "cli/request/run_request.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

std::optional<TaskResult> next_of(const Job& job, Order order) {
  return order == Order::input ? job.next() : job.next_completed();
}

/// Prints all results; false if the reader is gone. Does not report the tasks that an interrupt
/// cancelled.
bool print_results(const Job& job, const RunRequest& request, const Attended& attended,
                   ResultPrinter& printer) {
  while (const auto result = next_of(job, request.order)) {
    if (attended.interrupted() && !result->ok) continue;
    if (!printer.print(*result, shown_encoding(request.function, request.of_range, job.encoding())))
      return false;
  }
  return true;
}

/// How the job ended. Throws ConnectionError when the broker is gone.
Outcome ended(const Job& job) {
  const Outcome outcome = job.wait();
  if (outcome.code == ErrorCode::no_broker || outcome.code == ErrorCode::denied)
    throw ConnectionError(outcome.code, outcome.text);
  return outcome;
}

std::optional<Bytes> reduced_value(const Job& job, const Outcome& outcome) {
  if (!outcome.ok()) return std::nullopt;
  return job.get_optional();
}

/// The message about a job that did not end well; the errors of its tasks have been printed
/// already.
void tell_outcome(const Job& job, const Outcome& outcome, Console& console) {
  std::string text = "job " + job.id() + ' ' + std::string(to_string(outcome.state));
  if (!outcome.text.empty()) text += ": " + outcome.text;
  console.say(text);
}

/// The reader of standard output is gone, or it cannot be written.
Exit stop_writing(Attended& attended, Output& output, Console& console) {
  attended.cancel();
  if (output.flush() == Output::State::reader_gone) die_of_broken_pipe();
  console.say("cannot write results: " + output.error());
  leave(Exit::failed);
}

Exit run_detached(const Job& job, Format format, Attended& attended) {
  const JobNumber number = job.number();
  if (format == Format::json) {
    std::cout << line_of({{"job", value(number)}, {"uuid", job.uuid().text()}});
  } else {
    std::cout << value(number) << '\n';
  }
  std::cout.flush();
  job.wait_for_intake();  // from then on the job no longer needs this client
  return attended.interrupted() ? Exit::interrupted : Exit::done;
}

Exit run_attached(const Job& job, const RunRequest& request, Attended& attended) {
  Console console;
  Output output(&console);
  ResultPrinter printer(request.format, output, console);
  std::optional<ProgressView> view(std::in_place, job, console);
  bool read = print_results(job, request, attended, printer);
  const Outcome outcome = ended(job);
  if (read && !attended.interrupted() && job.reduced())
    read =
        printer.print_reduced(job.number(), outcome, reduced_value(job, outcome), job.encoding());
  view.reset();
  if (!read || output.flush() != Output::State::open)
    return stop_writing(attended, output, console);
  if (attended.interrupted()) leave(Exit::interrupted);
  printer.print_rest();
  if (!outcome.ok()) tell_outcome(job, outcome, console);
  return outcome.ok() && printer.failed() == 0 ? Exit::done : Exit::failed;
}

}  // namespace

Exit run(const Arguments& arguments) {
  if (!arguments.empty() && arguments.front() == "exec")
    return run_exec({arguments.begin() + 1, arguments.end()});
  auto request = run_request(arguments);
  if (!request) return Exit::done;

  Attended attended;  // signals are blocked before the client starts its threads
  // The SDK coalesces unnamed single inputs into one open job; this single one should be shown as a
  // job of its own.
  if (std::holds_alternative<Whole>(request->input) && request->submit.name.empty())
    request->submit.name = request->function;
  Client client(request->client);
  client.connect();
  if (request->program) {
    Console console;
    give_files(client, request->large, {&*request->program}, request->submit, console, attended);
    request->submit.common = to_bytes(*request->program);
  }
  const Job job = client.submit(request->function, std::move(request->input), request->submit);
  attended.add(job);
  return request->submit.detach ? run_detached(job, request->format, attended)
                                : run_attached(job, *request, attended);
}

}  // namespace quern::cli
