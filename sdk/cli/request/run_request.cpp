#include "cli/request/run_request.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <system_error>

#include "cli/syntax/job_id.hpp"
#include "cli/syntax/job_options.hpp"
#include "cli/syntax/options.hpp"

namespace quern::cli {
namespace {

constexpr Manual kRunRequestManual = {
    "quern run FUNCTION INPUT [OPTIONS]",
    "Runs FUNCTION on each item of an input, on the workers that offer it. Results are printed in "
    "the order of the input.\n\nA task can run more than once if its worker is lost or slow, so "
    "functions with side effects "
    "should be idempotent.",
    "  quern run sum --range 1:101                        5050\n"
    "  seq 1000 | quern run echo --items -                prints every line\n"
    "  quern run wordcount --blocks *.txt --reduce merge_counts --json\n"
    "  quern run spin --lines jobs.txt --timeout 5 --retries 0\n"
    "  quern run score --load ./libscore.so --items -     a function that no worker has yet; the "
    "plugin is sent along\n"
    "  quern run exec -- make -j4                         one command on some worker; see `quern "
    "run exec --help`\n"
    "  id=$(quern run primes --range 1:10000000 --detach); quern wait $id; quern results $id\n"
    "  id=$(quern run echo --open); ls | quern append $id --items -; quern close $id\n"
    "  id=$(quern run fetch --lines urls --detach); quern run parse --from $id\n"};

constexpr double kCostMost = 1e15;

}  // namespace

Syntax run_syntax() {
  Syntax syntax(kRunRequestManual);
  syntax.words(1, 1, "the name of the function", Word::function);
  auto add = syntax.add();
  add("range", option<std::string>("A:B"), "the integers A, A+1, ..., B-1");
  add("items", option<std::string>("FILE"), "one item per line of one file; - is standard input");
  add("lines", option<std::vector<std::string>>("FILE...")->multitoken(),
      "one item per line of several files");
  add("blocks", option<std::vector<std::string>>("FILE...")->multitoken(),
      "text of several files, in blocks of 64 KiB that end at white space");
  add("input", option<std::string>("TEXT"), "a single input that is not split");
  add("open", flag(),
      "no input yet: items are added with `quern append` until `quern close`; implies --detach");
  add("from", option<std::string>("ID"),
      "the results of another job, which may still run: each of them is an item");
  add("pattern", option<std::string>("each|group=W,S|all"),
      "with --from: `group` makes an item of W results, the next one begins S results later; `all` "
      "makes one item of all results");
  add("ended", flag(),
      "with --from: if a task of the other job fails, a description of the error takes the place "
      "of its result");
  add("reduce", option<std::string>("sum|min|max|count|concat|R"),
      "how to combine results; R is a reducer that workers offer");
  add("common", option<std::string>("FILE"),
      "file that every task can read; it is sent to each worker once");
  add("load", option<std::string>("LIB.so"),
      "plugin that contains FUNCTION: it is sent to the workers with --allow-exec, which run it in "
      "separate processes");
  add("timeout", option<double>("S"), "maximum seconds for a task; default: no limit");
  add("retries", option<long>("N"), "further attempts of a failing task; default 2");
  add("cost", option<double>("C"),
      "work of each task, in a unit that is the same for all jobs of the function");
  add("costs", option<std::string>("FILE"),
      "work of each task: a number per line, in the order of the items");
  add_unique_options(syntax);
  add("unordered", flag(), "print results as they arrive");
  add("detach", flag(), "print the id of the job and return");
  add_job_options(syntax);
  return syntax;
}

namespace {

/// Checks that every file can be read and is not a directory, before anything is submitted.
void check_readable(const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    if (file == "-") continue;
    struct stat info {};
    int error = ::stat(file.c_str(), &info) == 0 ? 0 : errno;
    if (error == 0 && S_ISDIR(info.st_mode)) error = EISDIR;
    if (error == 0 && ::access(file.c_str(), R_OK) != 0) error = errno;
    if (error != 0) throw FileError("cannot read " + file + ": " + std::strerror(error));
  }
}

Bytes contents_of(const std::string& file) {
  check_readable({file});
  std::ifstream stream(file == "-" ? "/dev/stdin" : file, std::ios::binary);
  Bytes bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (!stream.good() && !stream.eof()) throw FileError("cannot read " + file);
  return bytes;
}

/// Gives, for each item, the number in the next line of the file.
std::function<double(BytesView)> costs_in(const std::string& file) {
  check_readable({file});
  auto lines = std::make_shared<std::ifstream>(file == "-" ? "/dev/stdin" : file);
  return [lines, file, number = std::uint64_t{0}](BytesView) mutable {
    std::string line;
    ++number;
    if (!std::getline(*lines, line))
      throw FileError(file + " has " + std::to_string(number - 1) +
                      " lines, but there are more items; it needs a line for each item");
    double cost = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), cost);
    if (error != std::errc() || end != line.data() + line.size() ||
        !(cost >= 0 && cost <= kCostMost))
      throw FileError(file + ", line " + std::to_string(number) + ": '" + line +
                      "' is not a number from 0 to 10^15");
    return cost;
  };
}

std::uint64_t group_number(const std::string& text, const std::string& whole) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number == 0)
    throw UsageError("--pattern takes each, group=W,S (two numbers above 0) or all, not '" + whole +
                     "'");
  return number;
}

ResultsOf results_of(const Given& given) {
  ResultsOf results;
  results.from.number = job_number(given.get<std::string>("from"));
  results.from.ended = given.flag("ended");
  const std::string pattern = given.get_or<std::string>("pattern", "each");
  if (pattern == "all") {
    results.from.pattern = EdgePattern::all;
  } else if (pattern.starts_with("group=")) {
    results.from.pattern = EdgePattern::group;
    const std::string numbers = pattern.substr(6);
    const std::size_t comma = numbers.find(',');
    results.from.width = group_number(numbers.substr(0, comma), pattern);
    results.from.step = comma == std::string::npos
                            ? results.from.width
                            : group_number(numbers.substr(comma + 1), pattern);
  } else if (pattern != "each") {
    throw UsageError("--pattern takes each, group=W,S or all, not '" + pattern + "'");
  }
  return results;
}

Input input_of(const Given& given) {
  const char* kinds[] = {"range", "items", "lines", "blocks", "input", "open", "from"};
  int count = 0;
  for (const char* kind : kinds) count += given.has(kind) ? 1 : 0;
  if (count == 0)
    throw UsageError(
        "the input is missing: give --range, --items, --lines, --blocks, --input, --open or "
        "--from");
  if (count > 1)
    throw UsageError(
        "--range, --items, --lines, --blocks, --input, --open and --from exclude each other");
  if (!given.has("from"))
    for (const char* option : {"pattern", "ended"})
      if (given.has(option) && (option != std::string_view("ended") || given.flag("ended")))
        throw UsageError(std::string("--") + option + " requires --from ID");
  if (given.has("costs") && !given.has("items") && !given.has("lines") && !given.has("blocks"))
    throw UsageError("--costs requires --items, --lines or --blocks; for a range, use --cost");
  if (given.has("range")) return range_of(given.get<std::string>("range"));
  if (given.flag("open")) return Open{};
  if (given.has("from")) return results_of(given);
  if (given.has("input")) return Whole{given.get<std::string>("input")};
  const std::vector<std::string> files =
      given.has("items")
          ? std::vector<std::string>{given.get<std::string>("items")}
          : given.get<std::vector<std::string>>(given.has("lines") ? "lines" : "blocks");
  check_readable(files);
  try {
    Items items = given.has("blocks") ? blocks_of(files) : lines_of(files);
    if (given.has("costs")) items.cost = costs_in(given.get<std::string>("costs"));
    return items;
  } catch (const std::system_error& error) {
    throw FileError(error.what());
  }
}

SubmitOptions submit_options_of(const Given& given) {
  SubmitOptions options = job_options_of(given);
  options.cost = given.get_or<double>("cost", 0);
  if (given.has("cost") && !(options.cost > 0 && options.cost <= kCostMost))
    throw UsageError("--cost takes a number above 0, up to 10^15");
  options.attempts = attempts_of(given, 2);
  if (given.has("timeout")) options.timeout = timeout_of(given.get<double>("timeout"));
  options.detach = given.flag("detach") || given.flag("open");
  set_unique(options, given);
  options.reduce = given.get_or<std::string>("reduce", {});
  if (given.has("common")) options.common = contents_of(given.get<std::string>("common"));
  return options;
}

}  // namespace

Range range_of(const std::string& text) {
  const auto bad = [&] {
    return UsageError("--range takes A:B, two integers, not '" + text + "'");
  };
  const auto colon = text.find(':');
  if (colon == std::string::npos) throw bad();
  Range range;
  const auto read = [&](const char* begin, const char* end, std::int64_t& number) {
    const auto [stop, error] = std::from_chars(begin, end, number);
    if (error == std::errc::result_out_of_range)
      throw UsageError("--range '" + text + "' is beyond 64 bits (-2^63 to 2^63 - 1)");
    if (error != std::errc() || stop != end) throw bad();
  };
  read(text.data(), text.data() + colon, range.begin);
  read(text.data() + colon + 1, text.data() + text.size(), range.end);
  if (range.begin > range.end) throw UsageError("--range " + text + " ends before it begins");
  return range;
}

namespace {

/// On the workers, quern-worker loads the plugin and calls the function for each item.
void load_plugin(RunRequest& request, const Given& given) {
  for (const char* option : {"range", "reduce", "common", "open"})
    if (given.has(option))
      throw UsageError(
          std::string("--load cannot be combined with --") + option +
          (option == std::string_view("range")
               ? "; give the numbers as items instead: seq A B | quern run ... --items -"
               : ""));
  Command command;
  add_files(command.files, given.get<std::string>("load"), &request.large);
  if (command.files.size() != 1) throw UsageError("--load takes a library file, not a folder");
  command.words = {"quern-worker", "--call", request.function, "--load",
                   "./" + command.files.front().name};
  command.cwd = "temp";
  command.feed = Command::Feed::input;
  command.frame = Command::Frame::call;
  if (request.submit.name.empty()) request.submit.name = request.function;
  request.function = "filter";
  request.program = std::move(command);
}

}  // namespace

std::optional<RunRequest> run_request(const Arguments& arguments) {
  const auto given = run_syntax().parse(arguments);
  if (!given) return std::nullopt;
  RunRequest request;
  request.function = given->words().front();
  if (request.function.empty()) throw UsageError("the name of the function is missing");
  if (request.function == "exec")
    throw UsageError(
        "to run a command, write `quern run exec [OPTIONS] -- COMMAND` with `exec` first");
  request.submit = submit_options_of(*given);
  request.client = given->client();
  request.order = given->flag("unordered") ? Order::completion : Order::input;
  request.format = given->json() ? Format::json : Format::text;
  request.input = input_of(*given);
  request.of_range = std::holds_alternative<Range>(request.input);
  if (given->has("load")) load_plugin(request, *given);
  return request;
}

}  // namespace quern::cli
