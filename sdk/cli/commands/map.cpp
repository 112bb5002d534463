// `quern map`: runs a command per line of the input on all workers, and prints their output.
#include <iostream>
#include <optional>

#include "cli/commands/command.hpp"
#include "cli/output/command_printer.hpp"
#include "cli/output/json.hpp"
#include "cli/output/progress.hpp"
#include "cli/output/received_files.hpp"
#include "cli/output/results_folder.hpp"
#include "cli/output/shown_command.hpp"
#include "cli/process/attended.hpp"
#include "cli/process/merge.hpp"
#include "cli/request/command_files.hpp"
#include "cli/request/item_feed.hpp"
#include "cli/request/map_request.hpp"
#include "cli/syntax/options.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

constexpr std::uint64_t kBlocksPerSlot =
    3;  // in flight: one is running, one is waiting in the worker, one is being sent
constexpr std::uint64_t kFailuresTold =
    10;  // number of reported failures without an output of their own

/// One `quern map` from its request to its exit code.
class Mapping {
 public:
  explicit Mapping(MapRequest request) : request_(std::move(request)) {
    if (!request_.joblog.empty()) joblog_.emplace(request_.joblog, request_.resume);
    if (!request_.results.empty()) folder_.emplace(request_.results);
    feed_ = std::make_shared<ItemFeed>(request_, joblog_ ? joblog_->done() : LoggedCommands(),
                                       [this](const std::string& text) { console_.say(text); });
    printer_.emplace(CommandFormat{request_.json, request_.tag}, output_, console_);
    const auto& words = request_.shown.words;
    if (request_.shape == MapRequest::Shape::arguments && words.size() == 1 &&
        ignores_arguments(words.front()))
      console_.say(
          "note: the script has several commands and no {}, so the argument is not appended; write "
          "{} where it belongs");
  }

  Exit run(Attended& attended) {
    Client client(request_.client);
    client.connect();
    client_ = &client;
    try {
      return run_job(client, attended);
    } catch (...) {
      // Nobody will see the output of the remaining commands.
      feed_->window().close();
      attended.cancel();
      throw;
    }
  }

 private:
  Exit run_job(Client& client, Attended& attended) {
    if (request_.slots_share && !request_.detach) {
      const std::uint64_t slots = slots_that_run(client);
      if (slots > 0)
        feed_->window().allow(
            at_once_of(request_, slots));  // without slots, a share of them is undefined
    }
    if (request_.shape == MapRequest::Shape::blocks && !request_.detach)
      feed_->window().hold(kBlocksPerSlot * slots_that_run(client) * request_.block_bytes);
    std::vector<Command*> commands{&request_.command};
    if (request_.reduce) commands.push_back(&*request_.reduce);
    give_files(client, request_.large, commands, request_.submit, console_, attended);
    request_.submit.common = to_bytes(request_.command);
    const bool answers = request_.shape == MapRequest::Shape::answers;
    job_ = client.submit(answers ? "filter" : "exec", items(), request_.submit);
    if (request_.detach) return detach();
    attended.add(job_);
    std::optional<ProgressView> view(std::in_place, job_, console_,
                                     answers ? ProgressView::Of::answers : ProgressView::Of::tasks);
    const bool read = request_.reduce ? merge_results(attended) : print_results(attended);
    feed_->window().close();
    if (!read) {
      view.reset();
      return stop_writing(attended);
    }
    const Outcome outcome = job_.wait();
    view.reset();
    if (output_.flush() != Output::State::open) return stop_writing(attended);
    if (attended.interrupted()) leave(Exit::interrupted);
    const Exit exit = exit_of(outcome);
    // The thread that reads the input may be waiting for a terminal, so it is not joined.
    if (halt().halted()) leave(exit);
    return exit;
  }

  Exit detach() {
    const JobNumber number = job_.number();
    std::cout << (request_.json ? line_of({{"job", value(number)}, {"uuid", job_.uuid().text()}})
                                : std::to_string(value(number)) + '\n')
              << std::flush;
    job_.wait_for_intake();  // from then on the job no longer needs this client
    return Exit::done;
  }

  static std::uint64_t slots_that_run(Client& client) {
    std::uint64_t slots = 0;
    for (const WorkerStatus& worker : client.workers())
      for (const FunctionDecl& function : worker.functions)
        if (function.name == "exec") slots += worker.capacity.slots;
    return slots;
  }

  Halt& halt() { return request_.halt; }

  Items items() const {
    return {[feed = feed_](Bytes& item) { return feed->next(item); }, feed_->encoding(),
            Items::Source::may_block, nullptr,
            [feed = feed_] { feed->window().open(); }};  // no results arrive that would make room
  }

  /// False if the reader of standard output is gone.
  bool print_results(Attended& attended) {
    for (;;) {
      const auto result = request_.keep_order ? job_.next() : job_.next_completed();
      if (!result) return true;
      const Fed fed = feed_->take(result->index);
      const bool given_up = !result->ok && result->code == ErrorCode::cancelled &&
                            (attended.interrupted() || halt().halted());
      const Ended ended = given_up ? Ended{} : ended_of(*result, fed);
      const Halt::When when =
          given_up ? Halt::When::never : halt().on_result(ended.ok, feed_->window().entered());
      // Before its room in the window is freed; otherwise one more command would start.
      if (when != Halt::When::never) feed_->window().close();
      feed_->window().leave(result->index);
      if (given_up) continue;
      if (!print(*result, ended, fed)) return false;
      obey(when);
    }
  }

  /// How a command ended, according to its result.
  struct Ended {
    bool ok = false;
    std::string trouble{};  ///< why it failed
    std::optional<CommandResult>
        command{};  ///< none: it never ran to its end, or the result is an answer (--loop)
  };

  Ended ended_of(const TaskResult& result, const Fed& fed) const {
    Ended ended{result.ok, result.text};
    if (request_.shape == MapRequest::Shape::answers || (!result.ok && result.bytes.empty()))
      return ended;
    try {
      ended.command = command_result(result.bytes);
    } catch (const std::invalid_argument& error) {
      return {false, std::string("the worker's result is invalid: ") + error.what()};
    }
    // The worker decides whether the command succeeded; what was requested comes from our own
    // records.
    ended.ok = result.ok && ended.command->ok();
    if (!ended.ok && ended.trouble.empty())
      ended.trouble = "exit code " + std::to_string(ended.command->code);
    ended.command->number = fed.number;
    if (request_.wants_arguments()) ended.command->arguments = fed.arguments;
    return ended;
  }

  bool print(const TaskResult& result, const Ended& ended, const Fed& fed) {
    if (!ended.ok) ++failed_;
    if (request_.shape == MapRequest::Shape::answers) return print_answer(result, fed);
    if (!ended.command) return print_lost(result, ended.trouble, fed);
    const CommandResult& command = *ended.command;
    if (joblog_) joblog_->add(command, shown(fed));
    if (folder_) folder_->add(command);
    const auto missing = write_files(request_.command, fed.arguments, fed.number, command);
    if (ended.ok)
      tell_missing(console_, missing, "command " + std::to_string(fed.number), missing_told_);
    return printer_->print(command, ended.trouble);
  }

  bool print_answer(const TaskResult& result, const Fed& fed) {
    if (!result.ok) return print_lost(result, result.text, fed);
    if (request_.json) return output_.append(answer_object(result, fed));
    if (request_.command.frame == Command::Frame::length)
      return output_.append(length_of(result.bytes) + result.bytes);
    return output_.append(result.bytes + '\n');
  }

  bool print_lost(const TaskResult& result, const std::string& trouble, const Fed& fed) {
    ++lost_;
    if (joblog_) {
      CommandResult none;
      none.number = fed.number;
      none.code = -1;
      joblog_->add(none, shown(fed));
    }
    if (lost_ > kFailuresTold && !request_.json) return true;
    return printer_->print_lost(
        fed.number, std::string(to_string(result.ok ? ErrorCode::failed : result.code)), trouble);
  }

  /// Merges the outputs for --reduce.
  bool merge_results(Attended& attended) {
    Merge merge(*client_, *request_.reduce, request_.submit,
                [&](const Job& job) { attended.add(job); });
    const auto next = [&]() -> std::optional<Bytes> {
      while (const auto result = job_.next()) {
        feed_->window().leave(result->index);
        const Fed fed = feed_->take(result->index);
        Ended ended = ended_of(*result, fed);
        if (ended.ok && ended.command) return std::move(ended.command->out);
        if (result->ok || result->code != ErrorCode::cancelled) print(*result, ended, fed);
      }
      return std::nullopt;
    };
    const auto merged = merge.run(next);
    if (!merged) return true;
    failed_ += merged->ok() ? 0 : 1;
    return printer_->print(*merged);
  }

  void obey(Halt::When when) {
    if (when == Halt::When::never) return;
    feed_->window().close();
    if (!halt().content())
      console_.say(
          when == Halt::When::now
              ? "stopping because of failed commands"
              : "no more commands are started because of failures; waiting for the running ones");
    if (when == Halt::When::now)
      job_.cancel();
    else
      client_->cancel_waiting(job_.number());
  }

  Exit exit_of(const Outcome& outcome) {
    if (outcome.code == ErrorCode::no_broker || outcome.code == ErrorCode::denied)
      throw ConnectionError(outcome.code, outcome.text);
    if (lost_ > kFailuresTold && !request_.json)
      console_.say("... and " + std::to_string(lost_ - kFailuresTold) + " more failed");
    if (failed_ > 0 && !request_.json)
      console_.say(std::to_string(failed_) +
                   (failed_ == 1 ? " command failed" : " commands failed"));
    const bool ended_by_itself = outcome.ok() || failed_ > 0 || halt().halted();
    if (!ended_by_itself)
      console_.say("job " + job_.id() + ' ' + std::string(to_string(outcome.state)) +
                   (outcome.text.empty() ? "" : ": " + outcome.text));
    if (halt().halted())
      return halt().content() ? Exit::done : failed_ > 0 ? Exit::failed : Exit::done;
    return outcome.ok() && failed_ == 0 ? Exit::done : Exit::failed;
  }

  /// The reader of standard output is gone, or it cannot be written.
  Exit stop_writing(Attended& attended) {
    feed_->window().close();
    attended.cancel();
    if (output_.flush() == Output::State::reader_gone) die_of_broken_pipe();
    console_.say("cannot write results: " + output_.error());
    leave(Exit::failed);
  }

  std::string shown(const Fed& fed) const {
    return on_one_line(shown_command(request_.shown, fed.arguments, fed.number));
  }

  static std::string length_of(const Bytes& bytes) {
    std::string length;
    for (int shift = 0; shift < 32; shift += 8) length += static_cast<char>(bytes.size() >> shift);
    return length;
  }

  static std::string answer_object(const TaskResult& result, const Fed& fed) {
    CommandResult answer;
    answer.number = fed.number;
    answer.out = result.bytes;
    return json_line(answer, {});
  }

  MapRequest request_;
  std::optional<Joblog> joblog_;
  std::optional<ResultsFolder> folder_;
  std::shared_ptr<ItemFeed> feed_;
  Console console_;
  Output output_{&console_};
  std::optional<CommandPrinter> printer_;
  Client* client_ = nullptr;
  Job job_;
  std::uint64_t failed_ = 0;
  std::uint64_t lost_ = 0;  // of them, those without output
  std::uint64_t missing_told_ = 0;
};

/// The commands that would run.
Exit print_commands(const MapRequest& request) {
  auto source = !request.lists.empty()
                    ? arguments_of(request.lists, request.group, request.linked)
                    : arguments_of(std::make_unique<Records>(request.files, request.record_end),
                                   request.group);
  std::uint64_t number = 0;
  for (std::vector<std::string> arguments; source->next(arguments);) {
    std::cout << shown_command(request.shown, arguments, ++number) << '\n';
  }
  return Exit::done;
}

}  // namespace

Exit run_map(MapRequest request) {
  if (request.dry_run) return print_commands(request);
  Attended attended;  // before any thread
  return Mapping(std::move(request)).run(attended);
}

Exit map(const Arguments& arguments) {
  auto request = map_request(arguments);
  return request ? run_map(std::move(*request)) : Exit::done;
}

}  // namespace quern::cli
