// `quern graph`: runs the commands of a file, each after those that it needs.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>

#include "cli/commands/command.hpp"
#include "cli/output/command_printer.hpp"
#include "cli/output/console.hpp"
#include "cli/output/json.hpp"
#include "cli/output/output.hpp"
#include "cli/output/progress.hpp"
#include "cli/process/attended.hpp"
#include "cli/request/command_files.hpp"
#include "cli/request/command_options.hpp"
#include "cli/request/graph_file.hpp"
#include "cli/request/graph_log.hpp"
#include "cli/syntax/options.hpp"
#include "quern/client.hpp"
#include "quern/graph.hpp"

namespace quern::cli {
namespace {

constexpr Manual kGraphManual = {
    "quern graph FILE [OPTIONS]",
    "Runs the commands of FILE on all workers that run programs (quern-worker --allow-exec; those "
    "of `quern up` do), each as soon as those that it needs have succeeded. A line is\n\n"
    "  NAME [NEEDS...] : COMMAND\n\nwhere NEEDS are names of other lines, in any order, and "
    "COMMAND "
    "is a script for /bin/sh. Lines that begin with # are comments; a line that ends with \\ goes "
    "on in the next one.\n\nIf a command fails, the others go on, except for those that need it. "
    "What has succeeded is noted in FILE.done (or --log): the next `quern graph FILE` runs only "
    "what failed, what was changed, and what needs these. Commands with the same input should "
    "write the same output, because a command can run twice if its worker is lost.",
    "  quern graph build.graph\n"
    "  quern graph build.graph --dry-run             what would run\n"
    "  quern graph build.graph --again               run everything\n"
    "  printf 'a : echo 1 > a\\nb a : cat a\\n' > two.graph && quern graph two.graph\n"};

// A job that has ended says so within this time.
constexpr std::chrono::milliseconds kAnswer{1000};

struct GraphRequest {
  std::vector<GraphNode> nodes;
  std::string log;
  bool again = false;
  bool dry_run = false;
  bool json = false;
  Command command;
  LargeFiles large;
  SubmitOptions submit;
  ClientOptions client;
};

std::string text_of(const std::string& file) {
  if (std::filesystem::is_directory(file)) throw FileError(file + " is a folder: name a file");
  std::ifstream stream(file == "-" ? "/dev/stdin" : file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (!stream.good() && !stream.eof()) throw FileError("cannot read " + file);
  return text;
}

std::optional<GraphRequest> graph_request(const Arguments& arguments) {
  const auto given = graph_syntax().parse(arguments);
  if (!given) return std::nullopt;
  GraphRequest request;
  const std::string file = given->words().front();
  if (file == "-" && !given->has("log"))
    throw UsageError("a graph from standard input needs --log FILE, where to note what succeeded");
  request.nodes = graph_in(text_of(file), file);
  request.log = given->get_or<std::string>("log", file + ".done");
  if (request.log.empty()) throw UsageError("--log needs the name of a file");
  request.again = given->flag("again");
  request.dry_run = given->flag("dry-run");
  request.json = given->json();
  request.command = command_of(*given, {"/bin/sh", "-c", "{}"}, 1, request.large);
  request.submit = command_submit_options(*given);
  request.client = given->client();
  return request;
}

/// One `quern graph` from its request to its exit code.
class GraphCommand {
 public:
  explicit GraphCommand(GraphRequest request)
      : request_(std::move(request)),
        log_(request_.log, request_.nodes, request_.again),
        printer_({request_.json, false}, output_, console_),
        missing_(request_.nodes.size()) {
    for (std::size_t node = 0; node < request_.nodes.size(); ++node)
      if (!log_.is_done(node)) to_run_.push_back(node);
  }

  Exit show() const {
    for (const std::size_t at : to_run_) {
      const GraphNode& node = request_.nodes[at];
      if (request_.json)
        std::cout << line_of({{"name", node.name}, {"command", node.command}});
      else
        std::cout << node.name << ": " << node.command << '\n';
    }
    return Exit::done;
  }

  Exit run(Attended& attended) {
    if (!to_run_.empty()) log_.begin();
    if (const std::size_t done = log_.done(); done > 0)
      console_.say(std::to_string(done) + " of " + std::to_string(request_.nodes.size()) +
                   " commands have succeeded before, according to " + request_.log);
    if (to_run_.empty()) return Exit::done;
    Client client(request_.client);
    client.connect();
    give_files(client, request_.large, {&request_.command}, request_.submit, console_, attended);
    request_.submit.common = to_bytes(request_.command);
    end_earlier(client);
    const Job job = client.submit("exec", links(), request_.submit);
    log_.note_job(job.uuid());
    attended.add(job);
    std::optional<ProgressView> view(std::in_place, job, console_, ProgressView::Of::tasks);
    while (const auto result = job.next_completed()) {
      if (!result->ok && result->code == ErrorCode::cancelled && attended.interrupted()) continue;
      if (!print(*result)) {
        view.reset();
        return stop_writing(attended);
      }
    }
    const Outcome outcome = job.wait();
    view.reset();
    if (output_.flush() != Output::State::open) return stop_writing(attended);
    if (attended.interrupted()) leave(Exit::interrupted);
    return tell_end(job, outcome);
  }

 private:
  /// Ends the job of an earlier `quern graph` that was killed, so that no command runs beside
  /// itself.
  void end_earlier(Client& client) {
    if (!log_.job()) return;
    try {
      const Job job = client.attach(*log_.job());
      if (job.wait(kAnswer).finished()) return;
      console_.say("job " + job.id() + " of an earlier `quern graph` still ran: it is cancelled");
      job.cancel();
      job.wait();
    } catch (const ConnectionError&) {
      throw;
    } catch (const Error&) {  // it is gone
    }
  }
  /// A task gets its own command, and only waits for the others.
  Links links() const {
    LinksBuilder builder;
    std::vector<std::uint32_t> tasks(request_.nodes.size());
    for (const std::size_t at : to_run_) {
      const GraphNode& node = request_.nodes[at];
      builder.add_value(node.command);
      for (const std::uint32_t need : node.needs)
        if (!log_.is_done(need)) builder.add_task(tasks[need]);
      tasks[at] = builder.end_task();
    }
    return builder.links(Join::first, Encoding::raw);
  }

  /// False if the reader of standard output is gone.
  bool print(const TaskResult& result) {
    const std::size_t node = to_run_[result.index];
    const std::string& name = request_.nodes[node].name;
    std::optional<CommandResult> command;
    if (!result.bytes.empty()) {
      try {
        command = command_result(result.bytes);
      } catch (const std::invalid_argument&) {
      }
    }
    const bool ok = result.ok && command && command->ok();
    if (ok) log_.add(node);
    missing_[node] = !ok;
    if (!ok && result.code == ErrorCode::upstream_failed) {
      ++not_run_;
      if (!request_.json) return true;
    } else if (!ok) {
      ++failed_;
      console_.say(name + " failed" +
                   (command ? ": exit code " + std::to_string(command->code) : ": " + result.text));
    }
    if (!command) {
      if (!request_.json) return true;
      return output_.append(line_of({{"name", name},
                                     {"ok", false},
                                     {"error", to_string(result.code)},
                                     {"text", why_not(node, result)}}));
    }
    command->number = node + 1;
    if (request_.json) command->arguments = {name};
    return printer_.print(*command, ok ? "" : result.text);
  }

  /// Why the command of this node was not run.
  std::string why_not(std::size_t node, const TaskResult& result) const {
    if (result.code == ErrorCode::upstream_failed)
      for (const std::uint32_t need : request_.nodes[node].needs)
        if (missing_[need])
          return "it needs `" + request_.nodes[need].name + "`, which did not succeed";
    return result.text;
  }

  Exit tell_end(const Job& job, const Outcome& outcome) {
    if (outcome.code == ErrorCode::no_broker || outcome.code == ErrorCode::denied)
      throw ConnectionError(outcome.code, outcome.text);
    if (failed_ > 0)
      console_.say(
          std::to_string(failed_) + (failed_ == 1 ? " command failed" : " commands failed") +
          (not_run_ == 0 ? ""
                         : ", and " + std::to_string(not_run_) + " that need it were not run") +
          "; the same `quern graph` runs them again");
    else if (!outcome.ok())
      console_.say("job " + job.id() + ' ' + std::string(to_string(outcome.state)) +
                   (outcome.text.empty() ? "" : ": " + outcome.text));
    return outcome.ok() && failed_ == 0 ? Exit::done : Exit::failed;
  }

  Exit stop_writing(Attended& attended) {
    attended.cancel();
    if (output_.flush() == Output::State::reader_gone) die_of_broken_pipe();
    console_.say("cannot write results: " + output_.error());
    leave(Exit::failed);
  }

  GraphRequest request_;
  GraphLog log_;
  Console console_;
  Output output_{&console_};
  CommandPrinter printer_;
  std::vector<bool> missing_;        // nodes that did not succeed
  std::vector<std::size_t> to_run_;  // nodes, by task
  std::uint64_t failed_ = 0;
  std::uint64_t not_run_ = 0;
};

}  // namespace

Syntax graph_syntax() {
  Syntax syntax(kGraphManual);
  auto add = syntax.add();
  add("log", option<std::string>("FILE"),
      "where to note which commands have succeeded; default: FILE.done");
  add("again", flag(), "run all commands, whatever succeeded before");
  add("dry-run", flag(), "print the commands that would run");
  add_command_options(syntax);
  syntax.words(1, 1, "the file of the graph");
  return syntax;
}

Exit graph(const Arguments& arguments) {
  auto request = graph_request(arguments);
  if (!request) return Exit::done;
  if (request->dry_run) return GraphCommand(std::move(*request)).show();
  Attended attended;  // before any thread
  return GraphCommand(std::move(*request)).run(attended);
}

}  // namespace quern::cli
