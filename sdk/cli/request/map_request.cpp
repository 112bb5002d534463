#include "cli/request/map_request.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "cli/request/command_options.hpp"
#include "cli/request/records.hpp"
#include "cli/syntax/job_options.hpp"

namespace quern::cli {
namespace {

constexpr Manual kMapRequestManual = {
    "quern map [OPTIONS] [--] [COMMAND [ARGUMENT...]] [::: VALUE...] [:::: FILE...]",
    "Runs COMMAND once for each line of standard input (or each VALUE), on all workers that run "
    "programs (quern-worker --allow-exec; those of `quern up` do). In its arguments {} is the "
    "line, {.} the line without extension, {/} "
    "without folder, {//} its folder, {/.} without both, {#} its number, counted from 1. Without "
    "any of them, the line is the last argument.\n\nA COMMAND "
    "that is one word with spaces or special characters of the shell is a script for /bin/sh. If "
    "it has no {}, the line is appended to a single command or pipeline; in "
    "a list of commands (`a; b`) it is $1. In a script, {} is always one word, and the shell does "
    "not interpret the line. (Programs that interpret their arguments, such as `sh -c`, `ssh` and "
    "`awk`, may: pass the line as a separate "
    "argument.) Without COMMAND, each line is a script.\n\nCommands are counted from 1, as in GNU "
    "parallel: {#}, --joblog and messages (\"command 3\"). "
    "Tasks are counted from 0: `quern logs --task`, `quern results`, 12.0 and QUERN_TASK. Command "
    "N is task N - 1.\n\nThe output of a command is printed as a whole when it ends (-k: in input "
    "order). The exit "
    "code is 0 if all commands succeeded, else 1.\n\nA command can run more than once if its "
    "worker is lost (unless --at-most-once).",
    "  ls *.png | quern map -- convert {} {.}.jpg\n"
    "  quern map -k --tag -- md5sum ::: *.iso\n"
    "  find . -name '*.log' -print0 | quern map -0 -- 'gzip -9 < {} > {}.gz'\n"
    "  quern map --retries 2 --timeout 60 --joblog run.log --resume -- ./simulate --seed {} ::: 1 "
    "2 3 4\n"
    "  quern map --retries 5 --permanent-exit 65 -- ./convert {}   exit code 65: the input is "
    "wrong\n"
    "  quern map -k --loop -- ./score < lines.txt            one process per slot: a line in, a "
    "line out\n"
    "  quern map --pipe --block 4M --reduce \"awk '{n += \\$1} END {print n}'\" -- wc -l < "
    "huge.txt\n"};

constexpr std::size_t kDefaultBlock = 1u << 20;
constexpr std::size_t kBlockMax = 32u << 20;
constexpr std::size_t kGroupMax = 100'000;

constexpr std::uint64_t kJobsMax = 1'000'000;
constexpr double kPercentMax = 1000;

struct Lists {
  std::vector<std::vector<std::string>> values;
  std::vector<bool> linked;
};

std::vector<std::string> records_of(const std::string& file, char end) {
  Records records({file}, end);
  std::vector<std::string> all;
  for (std::string record; records.next(record);) {
    if (record.find('\0') != std::string::npos)
      throw FileError(file + ": line " + std::to_string(all.size() + 1) +
                      " contains a NUL character; use -0 if NULs separate the arguments");
    all.push_back(record);
  }
  return all;
}

/// The part of the words after COMMAND that begins with `:::` (values) or `::::` (files of them, a
/// list each), as lists. With a `+` the list is linked to the one before it.
Lists take_lists(std::vector<std::string>& words, char record_end) {
  const auto begins = [](const std::string& word) {
    return word == ":::" || word == "::::" || word == ":::+" || word == "::::+";
  };
  Lists lists;
  const auto first = std::find_if(words.begin(), words.end(), begins);
  bool files = false, linked = false;
  for (auto at = first; at != words.end(); ++at) {
    if (begins(*at)) {
      files = at->starts_with("::::");
      linked = at->ends_with('+');
      if (linked && lists.values.empty())
        throw UsageError("'" + *at +
                         "' links a list to the one before it, but it is the first list");
      if (files) continue;
      lists.values.emplace_back();
      lists.linked.push_back(linked);
    } else if (files) {
      lists.values.push_back(records_of(*at, record_end));
      lists.linked.push_back(linked);
    } else {
      lists.values.back().push_back(*at);
    }
  }
  words.erase(first, words.end());
  return lists;
}

/// Refuses replacement strings that GNU parallel would replace: passing them on unchanged would
/// surprise its users.
void refuse_foreign(const std::vector<std::string>& words) {
  for (const std::string& word : words)
    if (const std::string found = foreign_replacement(word); !found.empty())
      throw UsageError("'" + found +
                       "' is a replacement string of GNU parallel that Quern does not support; if "
                       "you mean the literal text, put it into a script file");
}

MapRequest::Shape shape_of(const Given& given) {
  if (given.flag("pipe") && given.flag("loop"))
    throw UsageError("--pipe and --loop exclude each other");
  return given.flag("pipe")   ? MapRequest::Shape::blocks
         : given.flag("loop") ? MapRequest::Shape::answers
                              : MapRequest::Shape::arguments;
}

std::size_t group_of(const Given& given) {
  const long group = given.get_or<long>("max-args", 1);
  if (group < 1 || group > static_cast<long>(kGroupMax))
    throw UsageError("-n takes 1 to " + std::to_string(kGroupMax));
  return static_cast<std::size_t>(group);
}

/// -j: a number, or relative to all slots: 50%, +1, -1; 0: no limit.
void set_at_once(MapRequest& request, const Given& given) {
  if (!given.has("jobs")) return;
  const std::string text = given.get<std::string>("jobs");
  const auto bad = [&] {
    return UsageError("-j takes a number, or a number relative to all slots: 50%, +1, -1; not '" +
                      text + "'");
  };
  const bool percent = text.ends_with('%');
  const bool relative = text.starts_with('+') || text.starts_with('-');
  double number = 0;
  const char* begin = text.data() + (relative ? 1 : 0);
  const char* end = text.data() + text.size() - (percent ? 1 : 0);
  const auto [stop, error] = std::from_chars(begin, std::max(begin, end), number);
  if (error != std::errc() || stop != end || !(number >= 0) ||
      (percent && (relative || number > kPercentMax)))
    throw bad();
  if (!percent && (number != std::floor(number) || number > static_cast<double>(kJobsMax)))
    throw bad();
  if (percent) {
    request.slots_share = number / 100;
  } else if (relative) {
    request.slots_share = 1;
    request.slots_more = static_cast<std::int64_t>(number) * (text.front() == '-' ? -1 : 1);
  } else {
    request.at_once = static_cast<std::uint64_t>(number);
  }
}

bool is_given(const Given& given, const char* option) {
  return std::string_view(option) == "dry-run" ? given.flag(option) : given.has(option);
}

void check_shape(const Given& given, const MapRequest& request) {
  using Shape = MapRequest::Shape;
  const auto only = [&](const char* option, Shape shape, const char* needs) {
    if (is_given(given, option) && request.shape != shape)
      throw UsageError(std::string("--") + option + " requires " + needs);
  };
  only("block", Shape::blocks, "--pipe");
  only("reduce", Shape::blocks, "--pipe");
  only("frame", Shape::answers, "--loop");
  only("dry-run", Shape::arguments,
       "a command per line; it cannot be combined with --pipe or --loop");
  if (given.has("halt") && given.has("reduce"))
    throw UsageError(
        "--halt cannot be combined with --reduce, which leaves out what fails and exits with 1");
  if (request.detach)
    for (const char* option : {"halt", "joblog", "results", "jobs", "reduce", "get"})
      if (given.has(option))
        throw UsageError(
            std::string("--") + option +
            " cannot be combined with --detach, because it needs quern to wait for the job");
  if (request.shape == Shape::arguments) return;
  const char* mode = request.shape == Shape::blocks ? "--pipe" : "--loop";
  if (given.has("permanent-exit") && request.shape == Shape::answers)
    throw UsageError(
        "--permanent-exit cannot be combined with --loop, because an answer has no exit code");
  for (const char* option : {"max-args", "joblog", "results"})
    if (given.has(option))
      throw UsageError(std::string("--") + option + " cannot be combined with " + mode);
  if (request.tag) throw UsageError(std::string("--tag cannot be combined with ") + mode);
  if (request.shape == Shape::blocks && !request.lists.empty())
    throw UsageError("--pipe takes its input from files or standard input, not from :::");
}

/// The words of --reduce: a script, or the name of a program.
Command reducer_of(const Given& given, LargeFiles& large) {
  const std::string text = given.get<std::string>("reduce");
  Command command = command_of(given, {text}, 1, large);
  if (is_script(text)) command.words = {"/bin/sh", "-c", text};
  command.feed = Command::Feed::input;
  return command;
}

/// Without a COMMAND, each line is a command for a shell.
const std::vector<std::string> kLineIsCommand = {"/bin/sh", "-c", "{}"};

void set_command(MapRequest& request, const Given& given, const std::vector<std::string>& words) {
  const std::uint64_t arguments = request.lists.size() > 1 ? request.lists.size() : request.group;
  if (request.shape == MapRequest::Shape::arguments) {
    refuse_foreign(words);
    refuse_foreign(given.get_or<std::vector<std::string>>("put", {}));
    refuse_foreign(given.get_or<std::vector<std::string>>("get", {}));
  }
  const bool lines_are_commands = words == std::vector<std::string>{"{}"};
  request.command =
      command_of(given, lines_are_commands ? kLineIsCommand : words, arguments, request.large);
  request.shown = request.command;
  request.shown.words = words;
  if (request.shape != MapRequest::Shape::arguments) {
    if (is_script(words.front()) && words.size() == 1)
      request.command.words = {"/bin/sh", "-c", words.front()};
    request.command.feed = Command::Feed::input;
  }
  for (const std::string& name : given.get_or<std::vector<std::string>>("put", {}))
    if (has_replacement(name)) request.put_each.push_back(name);
  if (!request.put_each.empty() && request.shape != MapRequest::Shape::arguments)
    throw UsageError("--put with {} cannot be combined with --pipe or --loop");
  if (given.has("get") && request.shape == MapRequest::Shape::answers)
    throw UsageError("--get cannot be combined with --loop");
  request.command.numbered = request.resume != Resume::no;
  request.command.echo = request.wants_arguments();
  if (!given.has("frame")) return;
  const auto frame = given.get<std::string>("frame");
  if (frame != "line" && frame != "length")
    throw UsageError("--frame takes line or length, not '" + frame + "'");
  if (frame == "length") request.command.frame = Command::Frame::length;
}

Resume resume_of(const Given& given) {
  const bool resume = given.flag("resume"), failed = given.flag("resume-failed");
  if ((resume || failed) && !given.has("joblog"))
    throw UsageError("--resume requires the log of the previous run: --joblog FILE");
  return failed ? Resume::all_but_succeeded : resume ? Resume::all_but_logged : Resume::no;
}

}  // namespace

std::uint64_t at_once_of(const MapRequest& request, std::uint64_t slots) {
  if (!request.slots_share) return request.at_once;
  const auto share = static_cast<std::int64_t>(static_cast<double>(slots) * *request.slots_share);
  return static_cast<std::uint64_t>(std::max<std::int64_t>(1, share + request.slots_more));
}

Syntax map_syntax() {
  Syntax syntax(kMapRequestManual);
  auto add = syntax.add();
  add("keep-order,k", flag(), "print outputs in the order of the input");
  add("max-args,n", option<long>("N"), "number of lines per command");
  add("null,0", flag(), "input records end with NUL, not with newline");
  add("arg-file,a", option<std::vector<std::string>>("FILE")->composing(),
      "read the input from a file, not from standard input; with several files, each combination "
      "is a command");
  add("jobs,j", option<std::string>("N"),
      "maximum number of commands at a time, or relative to all slots: 50%, +1, -1; default: as "
      "many as the workers have slots");
  add("tag", flag(), "print the arguments before each line of output");
  add("halt", option<std::string>("WHEN,WHY=N"),
      "stop early: now,fail=1 soon,fail=10% now,success=1 ...; `now` also ends the running "
      "commands");
  add("joblog", option<std::string>("FILE"),
      "write a line per command: when, where, how long, exit code");
  add("resume", flag(), "skip the commands that --joblog contains");
  add("resume-failed", flag(), "skip the commands that succeeded according to --joblog");
  add("results", option<std::string>("DIR"),
      "also write outputs to files: DIR/1/ARGUMENT/stdout and stderr");
  add("loop", flag(),
      "keep COMMAND running: it reads line after line and answers each with a line");
  add("frame", option<std::string>("line|length"),
      "with --loop: lines (default), or each item and answer preceded by its length (4 bytes, "
      "little endian)");
  add("pipe", flag(), "give COMMAND blocks of the input as standard input");
  add("block", option<std::string>("SIZE"),
      "with --pipe: approximate size of a block of whole lines; default 1M");
  add("reduce", option<std::string>("COMMAND"),
      "with --pipe: merge the outputs with COMMAND, which reads several of them in order, until "
      "one is left");
  add("dry-run", flag(), "print the commands instead of running them");
  add("detach", flag(), "print the id of the job and return (then: `quern logs ID`)");
  add_unique_options(syntax);
  add_command_options(syntax);
  syntax.words(0, Syntax::kAnyNumber, "the command");
  syntax.then_a_command();
  return syntax;
}

std::optional<MapRequest> map_request(const Arguments& arguments) {
  const auto given = map_syntax().parse(arguments);
  if (!given) return std::nullopt;
  MapRequest request;
  std::vector<std::string> words = given->words();
  request.shape = shape_of(*given);
  request.record_end = given->flag("null") ? '\0' : '\n';
  Lists lists = take_lists(words, request.record_end);
  request.lists = std::move(lists.values);
  request.linked = std::move(lists.linked);
  request.files = given->get_or<std::vector<std::string>>("arg-file", {"-"});
  if (given->has("arg-file") && !request.lists.empty())
    throw UsageError("-a and ::: exclude each other; use :::: FILE together with :::");
  const bool from_terminal =
      request.lists.empty() && !given->has("arg-file") && ::isatty(STDIN_FILENO) != 0;
  if (words.empty() && (request.shape != MapRequest::Shape::arguments || from_terminal))
    throw UsageError("the command is missing");
  if (words.empty()) words = {"{}"};
  // With several files, each combination is a command, as with several lists.
  if (request.files.size() > 1 && request.shape == MapRequest::Shape::arguments)
    for (const std::string& file : request.files)
      request.lists.push_back(records_of(file, request.record_end));
  request.group = group_of(*given);
  set_at_once(request, *given);
  request.keep_order = given->flag("keep-order");
  request.tag = given->flag("tag");
  request.json = given->json();
  request.dry_run = given->flag("dry-run");
  request.halt = Halt::from(given->get_or<std::string>("halt", "never"));
  request.joblog = given->get_or<std::string>("joblog", {});
  request.resume = resume_of(*given);
  request.results = given->get_or<std::string>("results", {});
  request.block_bytes =
      given->has("block") ? size_of("--block", given->get<std::string>("block")) : kDefaultBlock;
  if (request.block_bytes > kBlockMax) throw UsageError("--block takes at most 32M");
  request.detach = given->flag("detach");
  check_shape(*given, request);
  set_command(request, *given, words);
  if (given->has("reduce")) request.reduce = reducer_of(*given, request.large);
  request.client = given->client();
  request.submit = command_submit_options(*given);
  request.submit.detach = request.detach;
  set_unique(request.submit, *given);
  if (request.submit.name.empty()) request.submit.name = words.front().substr(0, 60);
  return request;
}

}  // namespace quern::cli
