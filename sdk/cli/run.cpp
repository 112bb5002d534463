// `quern run`: submits a job, prints its results as they can be printed, and ends as the job ends.
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <optional>
#include <thread>

#include "cli/command.hpp"
#include "cli/console.hpp"
#include "cli/interrupt.hpp"
#include "cli/json.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/result_printer.hpp"
#include "cli/run_request.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kCancelWait = 2s;  ///< how long an interrupted run waits to hear that its job is cancelled

/// Cancels and gives the broker a moment to confirm.
void cancel(const Job& job) {
  job.cancel();
  job.wait(kCancelWait);
}

/// Leaves without waiting for threads: one of them may be reading a terminal for the next item.
[[noreturn]] void leave(Exit code) {
  std::cout.flush();
  std::_Exit(static_cast<int>(code));
}

std::optional<TaskResult> next_of(const Job& job, Order order) {
  return order == Order::input ? job.next() : job.next_completed();
}

/// Prints all results; false when nobody reads them. What an interrupt did to the rest is not news.
bool print_results(const Job& job, Order order, const Interrupt& interrupt, ResultPrinter& printer) {
  while (const auto result = next_of(job, order)) {
    if (interrupt.caught() && !result->ok) continue;
    if (!printer.print(*result, job.encoding())) return false;
  }
  return true;
}

/// How the job ended. Throws ConnectionError when the broker is gone.
Outcome ended(const Job& job) {
  const Outcome outcome = job.wait();
  if (outcome.code == ErrorCode::no_broker || outcome.code == ErrorCode::denied) throw ConnectionError(outcome.code, outcome.text);
  return outcome;
}

std::optional<Bytes> reduced_value(const Job& job, const Outcome& outcome) {
  if (!outcome.ok()) return std::nullopt;
  return job.get_optional();
}

/// What is said about a job that did not end well; its tasks' own errors are told already.
void tell_outcome(const Job& job, const Outcome& outcome, Console& console) {
  std::string text = "job " + job.id() + ' ' + std::string(to_string(outcome.state));
  if (!outcome.text.empty()) text += ": " + outcome.text;
  console.say(text);
}

/// Nobody reads standard output any more, or it cannot be written.
Exit stop_writing(const Job& job, Output& output, Console& console) {
  cancel(job);
  if (output.flush() == Output::State::reader_gone) die_of_broken_pipe();
  console.say("cannot write results: " + output.error());
  leave(Exit::failed);
}

Exit run_detached(const Job& job, Format format, const Interrupt& interrupt) {
  const JobNumber number = job.number();
  if (format == Format::json) {
    std::cout << line_of({{"job", value(number)}, {"uuid", job.uuid().text()}});
  } else {
    std::cout << value(number) << '\n';
  }
  std::cout.flush();
  job.wait_for_intake();  // from then on the job is the broker's alone
  return interrupt.caught() ? Exit::interrupted : Exit::done;
}

Exit run_attached(const Job& job, const RunRequest& request, const Interrupt& interrupt) {
  Console console;
  Output output;
  ResultPrinter printer(request.format, output, console);
  std::optional<ProgressView> view(std::in_place, job, console);
  bool read = print_results(job, request.order, interrupt, printer);
  const Outcome outcome = ended(job);
  if (read && !interrupt.caught() && job.reduced())
    read = printer.print_reduced(job.number(), outcome, reduced_value(job, outcome), job.encoding());
  view.reset();
  if (!read || output.flush() != Output::State::open) return stop_writing(job, output, console);
  if (interrupt.caught()) leave(Exit::interrupted);
  printer.print_rest();
  if (!outcome.ok()) tell_outcome(job, outcome, console);
  return outcome.ok() && printer.failed() == 0 ? Exit::done : Exit::failed;
}

}  // namespace

Exit run(const Arguments& arguments) {
  auto request = run_request(arguments);
  if (!request) return Exit::done;

  // Signals are blocked before the client starts its threads; the job to cancel is known only later.
  std::mutex mutex;
  std::optional<Job> running;
  Interrupt interrupt([&] {
    std::lock_guard lock(mutex);
    if (!running) leave(Exit::interrupted);
    std::thread([job = *running] {
      cancel(job);
      leave(Exit::interrupted);
    }).detach();
  });

  // The SDK coalesces nameless single inputs into one open job; this one is alone and is to be seen as what
  // it is.
  if (std::holds_alternative<Whole>(request->input) && request->submit.name.empty())
    request->submit.name = request->function;
  Client client(request->client);
  client.connect();
  const Job job = client.submit(request->function, std::move(request->input), request->submit);
  {
    std::lock_guard lock(mutex);
    running = job;
  }
  return request->submit.detach ? run_detached(job, request->format, interrupt)
                                : run_attached(job, *request, interrupt);
}

}  // namespace quern::cli
