#include "worker/process/exec.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>

#include "process/spawn.hpp"
#include "worker/process/command_plan.hpp"
#include "worker/process/program.hpp"
#include "worker/process/put_files.hpp"

namespace quern::worker {
namespace {

constexpr int kNotStarted = 125;  // as env, timeout and nice use it
constexpr int kNotExecutable = 126;
constexpr int kNotFound = 127;
constexpr std::size_t kArgumentsMax =
    4u << 20;  // bytes of an item; the system limits the arguments of a program to 2 MiB
constexpr std::size_t kErrorShown = 200;  // of the last line of standard error, in an error's text

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Whether a value is a map, that is, an item with more than arguments.
bool is_map(BytesView value) {
  const auto first = value.empty() ? 0u : static_cast<unsigned char>(value.front());
  return (first & 0xf0u) == 0x80u || first == 0xdeu || first == 0xdfu;
}

/// A value as a program's argument: strings unchanged, everything else as JSON.
std::string text_of(BytesView value) {
  const auto json = json_from_value(value);
  if (!json || json->empty() || json->front() != '"') return json.value_or("");
  return from_value<std::string>(value);
}

/// Splits the item at its NULs, which separate several arguments.
std::vector<BytesView> arguments_in(BytesView item) {
  std::vector<BytesView> arguments;
  for (std::size_t at = 0;; ++at) {
    const std::size_t end = std::min(item.find('\0', at), item.size());
    arguments.push_back(item.substr(at, end - at));
    if (end == item.size()) return arguments;
    at = end;
  }
}

/// Removes and returns the number at the beginning of a numbered item.
std::uint64_t take_number(BytesView& item) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), number);
  if (error != std::errc()) throw std::invalid_argument("the item has no number");
  item.remove_prefix(std::min(static_cast<std::size_t>(end - item.data()) + 1, item.size()));
  return number;
}

std::string last_line(BytesView text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  const auto before = text.rfind('\n');
  if (before != BytesView::npos) text.remove_prefix(before + 1);
  return std::string(text.substr(0, kErrorShown));
}

/// A file that was received by its hash, opened for reading.
class BlobInput {
 public:
  BlobInput(BlobFolder& blobs, const std::string& name) : fd_(blobs.open(name)) {}
  ~BlobInput() { ::close(fd_); }
  BlobInput(const BlobInput&) = delete;
  BlobInput& operator=(const BlobInput&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

class Exec {
 public:
  explicit Exec(Host& host) : host_(host), files_(std::make_shared<PutFiles>(host)) {}

  void operator()(Task& task, Output& out) const {
    static thread_local CommandOfJob job;
    const Command& command = job.of(task);
    CommandResult result;
    result.number = task.index() + 1;
    result.host = host_.name();
    CommandItem item = item_of(command, task, result.number);
    if (command.echo) result.arguments = item.arguments;
    const std::string failure = run(command, item, task, result);
    if (!failure.empty())
      throw FailedWithOutput(failure, to_bytes(result), is_permanent(command, result));
    out.append(to_bytes(result));
  }

 private:
  static CommandItem item_of(const Command& command, const Task& task, std::uint64_t& number) {
    CommandItem item;
    if (command.feed == Command::Feed::nothing) return item;
    if (task.encoding() == Encoding::value && is_map(task.input())) {
      item = command_item(task.input());
      if (item.number > 0) number = item.number;
      return item;
    }
    const std::string text =
        task.encoding() == Encoding::value ? text_of(task.input()) : std::string(task.input());
    BytesView rest = text;
    if (command.numbered) number = take_number(rest);
    if (command.feed != Command::Feed::input && rest.size() > kArgumentsMax)
      throw std::invalid_argument("an item of " + std::to_string(rest.size()) +
                                  " bytes is too large for the arguments of a program");
    if (command.feed == Command::Feed::input)
      item.input = Bytes(rest);
    else
      for (const BytesView argument : arguments_in(rest)) item.arguments.emplace_back(argument);
    return item;
  }

  /// Fills `result`; why it failed, or nothing.
  std::string run(const Command& command, const CommandItem& item, const Task& task,
                  CommandResult& result) const {
    const Workplace place = workplace_of(item.cwd.empty() ? command.cwd : item.cwd,
                                         command.cwd_optional && item.cwd.empty(), host_);
    const ProgramMark mark(host_);
    ProgramRun program{.plan = plan_of(command, host_, mark.variable()),
                       .input = item.input ? std::optional<BytesView>(*item.input) : std::nullopt,
                       .timeout = std::chrono::milliseconds(command.timeout_ms),
                       .cancelled = [&task] { return task.cancelled(); }};
    const std::vector<BytesView> arguments(item.arguments.begin(), item.arguments.end());
    program.plan.words = command.feed == Command::Feed::arguments
                             ? expand(command, arguments, result.number)
                             : command.words;
    std::optional<BlobInput> blob;
    if (!command.input_blob.empty() && !program.input)
      program.plan.in = blob.emplace(host_.blobs(), command.input_blob).fd();
    if (program.plan.words.empty())
      throw std::invalid_argument("the item has no arguments and therefore names no program");
    add_environment(program.plan, item.env);
    add_environment(program.plan, {"QUERN_JOB=" + std::to_string(value(task.job())),
                                   "QUERN_TASK=" + std::to_string(task.index()),
                                   "QUERN_ATTEMPT=" + std::to_string(task.attempt())});
    program.plan.folder = place.folder;
    if (place.temporary)
      files_->place(task, command, item.files, place.folder);
    else if (!command.files.empty() || !item.files.empty())
      throw std::invalid_argument("files require a temporary folder (cwd \"temp\")");

    result.started_s = seconds_since_1970();
    const auto began = std::chrono::steady_clock::now();
    ProgramEnd end = run_program(program);
    result.ran_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    if (end.start_error) return not_started(*end.start_error, result);
    result.out = std::move(end.out.bytes);
    result.err = std::move(end.err.bytes);
    result.code = end.end.code;
    result.signal = end.end.signal;
    std::vector<std::string> wanted;
    for (const auto& pattern : command.get)
      wanted.push_back(expand_pattern(pattern, arguments, result.number));
    if (!wanted.empty() && place.temporary && end.why == ProgramEnd::Why::ended) {
      try {
        result.files = files_matching(place.folder, wanted, result.out.size() + result.err.size());
      } catch (const std::runtime_error& error) {
        result.err += std::string("quern: ") + error.what() + "\n";
        return error.what();
      }
    }
    return verdict(end, command, program.plan.memory_bytes, result);
  }

  std::string not_started(const process::StartError& error, CommandResult& result) const {
    result.code = error.folder                                      ? kNotStarted
                  : error.error == ENOENT                           ? kNotFound
                  : error.error == EACCES || error.error == ENOEXEC ? kNotExecutable
                                                                    : kNotStarted;
    const std::string text =
        error.folder ? folder_trouble(error.text, error.error, host_)
                     : "cannot run " + error.text + ": " + std::strerror(error.error) +
                           (error.error == E2BIG ? " (an argument can have at most 128 KiB)" : "");
    result.err = "quern: " + text + "\n";
    return text;
  }

  static std::string verdict(const ProgramEnd& end, const Command& command, std::uint64_t memory,
                             CommandResult& result) {
    switch (end.why) {
      case ProgramEnd::Why::cancelled:
        return "cancelled";
      case ProgramEnd::Why::timed_out:
        result.timed_out = true;
        return "ran longer than " + std::to_string(command.timeout_ms) + " ms";
      case ProgramEnd::Why::ended:
        break;
    }
    const std::string cut = cut_of(end);
    if (!cut.empty()) result.err += "quern: " + cut + '\n';
    if (result.ok()) return cut;
    std::string text = describe(end.end, memory);
    if (const std::string said = last_line(result.err); !said.empty()) text += ": " + said;
    return text;
  }

  /// Whether it ended with one of the permanent exit codes.
  static bool is_permanent(const Command& command, const CommandResult& result) {
    const auto& codes = command.permanent_exits;
    return result.signal == 0 && !result.timed_out &&
           std::find(codes.begin(), codes.end(), result.code) != codes.end();
  }

  /// A note about dropped output, or nothing.
  static std::string cut_of(const ProgramEnd& end) {
    std::string text;
    const auto tell = [&](const Captured& output, const char* which) {
      if (output.left_out == 0) return;
      text += (text.empty() ? "" : ", and ") + std::to_string(output.left_out) +
              " bytes of its standard " + which + " after the first " +
              std::to_string(output.head) + " were dropped";
    };
    tell(end.out, "output");
    tell(end.err, "error");
    return text.empty() ? text
                        : text +
                              ": the limit for both together is 64 MiB; write to a file and fetch "
                              "it with --get";
  }

  Host& host_;
  std::shared_ptr<PutFiles> files_;
};

}  // namespace

void add_exec(Functions& functions, Host& host) {
  functions.add_body("exec", Takes::item, Encoding::value, Exec(host));
}

}  // namespace quern::worker
