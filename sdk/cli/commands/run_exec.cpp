#include "cli/commands/run_exec.hpp"

#include <iostream>

#include "cli/output/command_printer.hpp"
#include "cli/output/complaint.hpp"
#include "cli/output/json.hpp"
#include "cli/output/progress.hpp"
#include "cli/output/received_files.hpp"
#include "cli/process/attended.hpp"
#include "cli/request/command_files.hpp"
#include "cli/request/command_input.hpp"
#include "cli/request/command_items.hpp"
#include "cli/request/command_options.hpp"
#include "cli/request/map_request.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

constexpr Manual kRunExecManual = {
    "quern run exec [OPTIONS] [--] COMMAND [ARGUMENT...]",
    "Runs a command on a worker that runs programs (--allow-exec; those of `quern up` do). Its "
    "output is printed when it has ended, and its exit code becomes the exit code of quern: 124 "
    "after --timeout, 128 plus the number of the "
    "signal that ended it, 125 if Quern could not run it. If standard input is a pipe or a file, "
    "it is read to its end first and then given to "
    "the command. A COMMAND that is one word with spaces or special characters of the shell is a "
    "script for /bin/sh.\n\nWith --each-line or --from-json each line is a command, as with `quern "
    "map -k`, and the exit "
    "code is 0 or 1.",
    "  quern run exec -- uname -a\n"
    "  gzip -dc log.gz | quern run exec -- ./count\n"
    "  quern run exec --require gpu=1 --stdin model.json -- ./train --epochs 3\n"
    "  quern run exec --retries 3 --permanent-exit 65,78 -- ./publish\n"
    "  quern run exec --each-line hosts.txt --detach -- ping -c1 {}\n"
    "  echo '{\"args\": [\"-n\", \"hello\"], \"env\": {\"LANG\": \"C\"}, \"require\": {\"zone\": "
    "\"north\"}}' | quern run exec --from-json - -- echo\n"};

constexpr int kTimedOut = 124;
constexpr int kSignalled = 128;

/// Passes the input to the command: as a part of it, or by its hash.
Bytes give_input(Client& client, const CommandInput& input, Command& command,
                 SubmitOptions& options, Console& console, Attended& attended) {
  command.feed =
      input.given() && input.large().empty() ? Command::Feed::input : Command::Feed::nothing;
  if (!input.large().empty()) {
    command.input_blob =
        put_file(client, input.large(), "standard input", options, console, attended);
  }
  return input.bytes();
}

void print_number(const Job& job, bool json) {
  const JobNumber number = job.number();
  std::cout << (json ? line_of({{"job", value(number)}, {"uuid", job.uuid().text()}})
                     : std::to_string(value(number)) + '\n')
            << std::flush;
}

Exit exit_of(const CommandResult& result) {
  if (result.timed_out) return static_cast<Exit>(kTimedOut);
  return static_cast<Exit>(result.signal != 0 ? kSignalled + result.signal : result.code);
}

/// One command, before the broker is asked.
struct OneCommand {
  OneCommand(const Given& given, const std::vector<std::string>& words, Console& console)
      : command(command_of(given, words, 1, large)),
        options(command_submit_options(given)),
        input(given.get_or<std::string>("stdin", {}), console) {
    if (words.size() == 1 && is_script(words.front()))
      command.words = {"/bin/sh", "-c", words.front()};
  }
  /// Gives its files to the broker.
  JobTemplate finish(Client& client, Console& console, Attended& attended) {
    give_files(client, large, {&command}, options, console, attended);
    Whole bytes{give_input(client, input, command, options, console, attended)};
    options.common = to_bytes(command);
    return {"exec", std::move(bytes), options};
  }

  LargeFiles large;
  Command command;
  SubmitOptions options;
  CommandInput input;
};

/// One command with its exit code.
Exit run_one(const Given& given, const std::vector<std::string>& words) {
  Console console;
  OneCommand one(given, words, console);
  one.options.detach = given.flag("detach");
  if (one.options.name.empty()) one.options.name = words.front().substr(0, 60);
  const Command& command = one.command;
  const SubmitOptions& options = one.options;

  Attended attended;  // before any thread
  Client client(given.client());
  client.connect();
  JobTemplate finished = one.finish(client, console, attended);
  const Job job = client.submit("exec", std::move(finished.input), std::move(finished.submit));
  if (options.detach) {
    print_number(job, given.json());
    job.wait_for_intake();
    return Exit::done;
  }
  attended.add(job);
  Output output(&console);
  CommandPrinter printer({given.json(), false}, output, console);
  std::optional<ProgressView> view(std::in_place, job, console);
  const auto result = job.next();
  const Outcome outcome = job.wait();
  view.reset();
  if (attended.interrupted()) leave(Exit::interrupted);
  if (!result || result->bytes.empty()) {
    if (outcome.code == ErrorCode::no_broker) throw ConnectionError(outcome.code, outcome.text);
    throw std::runtime_error("the command was not completed: " +
                             (result ? result->text : outcome.text));
  }
  const CommandResult command_end = command_result(result->bytes);
  printer.print(command_end, result->text);
  std::uint64_t told = 0;
  const auto missing = write_files(command, {}, 1, command_end);
  if (command_end.ok()) tell_missing(console, missing, "the command", told);
  output.flush();
  if (output_error() != 0)
    return finish_output(Exit::done) == Exit::done ? Exit::done : Exit::not_run;
  // The command succeeded, but its task failed: its output is incomplete, or its files could not be
  // fetched.
  return command_end.ok() && !result->ok ? Exit::not_run : exit_of(command_end);
}

Exit run_each_line(const Given& given, const std::vector<std::string>& words) {
  MapRequest request;
  request.client = given.client();
  request.submit = command_submit_options(given);
  request.detach = request.submit.detach = given.flag("detach");
  if (request.submit.name.empty()) request.submit.name = words.front().substr(0, 60);
  request.json = given.json();
  request.files = {given.get<std::string>("each-line")};
  request.keep_order = true;
  request.command = command_of(given, words, 1, request.large);
  request.command.echo = request.wants_arguments();
  request.shown = request.command;
  request.shown.words = words;
  return run_map(std::move(request));
}

/// What the commands wrote, in the order of the input; `order` names the job of each.
Exit print_in_order(bool json, const Command& command, const CommandItems& items,
                    const std::vector<Job>& jobs, Attended& attended) {
  Console console;
  Output output(&console);
  CommandPrinter printer({json, false}, output, console);
  std::uint64_t number = 0, failed = 0, missing_told = 0;
  std::vector<std::uint64_t> ended(jobs.size(), 0);
  for (const std::size_t group : items.order) {
    const auto result = jobs[group].next();
    const auto& arguments = items.arguments[number++];
    const std::uint64_t own_number = ++ended[group];  // {#} is counted within a job
    if (!result) continue;
    if (result->bytes.empty()) {
      if (!result->ok) ++failed;
      printer.print_lost(number, std::string(to_string(result->code)), result->text);
      continue;
    }
    CommandResult one = command_result(result->bytes);
    const bool ok = result->ok && one.ok();
    if (!ok) ++failed;
    const auto missing = write_files(command, arguments, own_number, one);
    if (ok) tell_missing(console, missing, "command " + std::to_string(number), missing_told);
    one.number = number;
    if (!printer.print(one, result->text)) break;
  }
  if (attended.interrupted()) leave(Exit::interrupted);
  if (output.flush() == Output::State::reader_gone) {
    attended.cancel();
    die_of_broken_pipe();
  }
  bool ok = failed == 0;
  for (const Job& job : jobs) ok = job.wait().ok() && ok;
  if (failed > 0 && !json)
    console.say(std::to_string(failed) + (failed == 1 ? " command failed" : " commands failed"));
  return ok ? Exit::done : Exit::failed;
}

/// A command per object; commands that require different things are different jobs.
Exit run_from_json(const Given& given, const std::vector<std::string>& words) {
  CommandItems items = command_items_in(given.get<std::string>("from-json"));
  // Without a COMMAND, the arguments of each object are a command. There may be several, so a
  // script gets them as a list.
  LargeFiles large;
  Command command =
      command_of(given, words.empty() ? std::vector<std::string>{"{}"} : words, 2, large);
  command.echo = given.json() || given.has("get");
  SubmitOptions options = command_submit_options(given);

  Attended attended;  // before any thread
  Client client(given.client());
  client.connect();
  Console console;
  give_files(client, large, {&command}, options, console, attended);
  std::vector<Job> jobs;
  for (CommandGroup& group : items.groups) {
    SubmitOptions own = options;
    own.common = to_bytes(command);
    own.detach = given.flag("detach");
    own.name = options.name.empty() && !words.empty() ? words.front().substr(0, 60) : options.name;
    for (const auto& [key, wanted] : group.require) own.require[key] = wanted;
    jobs.push_back(client.submit("exec", std::move(group.items), own));
    if (own.detach)
      print_number(jobs.back(), given.json());
    else
      attended.add(jobs.back());
  }
  if (given.flag("detach")) {
    for (const Job& job : jobs) job.wait_for_intake();
    return Exit::done;
  }
  try {
    return print_in_order(given.json(), command, items, jobs, attended);
  } catch (...) {
    attended.cancel();  // nobody will see the output of the remaining commands
    throw;
  }
}

Exit run_given(const Given& given) {
  const std::vector<std::string> words = given.words();
  if (given.has("each-line") && given.has("from-json"))
    throw UsageError("--each-line and --from-json exclude each other");
  const bool many = given.has("each-line") || given.has("from-json");
  if (many && given.has("stdin"))
    throw UsageError(
        "--stdin is for one command; with --from-json, each object can have its own \"stdin\"");
  if (words.empty() && !given.has("from-json")) throw UsageError("the command is missing");
  if (given.has("each-line")) return run_each_line(given, words);
  return many ? run_from_json(given, words) : run_one(given, words);
}

}  // namespace

JobTemplate exec_template(const Given& given, Client& client, Console& console,
                          Attended& attended) {
  for (const char* option : {"each-line", "from-json"})
    if (given.has(option))
      throw UsageError(std::string("--") + option +
                       " does not fit a schedule: schedule one command that runs the others");
  if (given.flag("detach")) throw UsageError("the jobs of a schedule are always detached");
  if (given.words().empty()) throw UsageError("the command is missing");
  return OneCommand(given, given.words(), console).finish(client, console, attended);
}

Syntax run_exec_syntax() {
  Syntax syntax(kRunExecManual);
  syntax.words(0, Syntax::kAnyNumber, "the command");
  syntax.then_a_command();
  auto add = syntax.add();
  add("stdin", option<std::string>("FILE"),
      "standard input of the command; - is that of quern, which is the default if it is a pipe or "
      "a file; /dev/null: none");
  add("each-line", option<std::string>("FILE"),
      "run the command once per line of FILE; {} is the line; - is standard input");
  add("from-json", option<std::string>("FILE"),
      "run a command per line of FILE, a JSON object: args (for {} and {1}, {2}, ...), env, cwd, "
      "stdin, cost, require");
  add("detach", flag(),
      "print the id of the job and return (then: `quern wait ID`, `quern logs ID`)");
  add_command_options(syntax);
  return syntax;
}

Exit run_exec(const Arguments& arguments) {
  try {
    const auto given = run_exec_syntax().parse(arguments);
    return given ? run_given(*given) : Exit::done;
  } catch (const std::exception& error) {
    // Every other code can be that of the command.
    std::cerr << "quern: " << complaint_of(error, "run exec").text << '\n';
    return Exit::not_run;
  }
}

}  // namespace quern::cli
