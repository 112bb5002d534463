// `quern append` and `quern close`: feed a job that was submitted with --open, batch by batch.
#include <condition_variable>
#include <exception>
#include <iostream>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "cli/commands/command.hpp"
#include "cli/output/json.hpp"
#include "cli/syntax/job_id.hpp"
#include "cli/syntax/options.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

constexpr Manual kAppendManual = {
    "quern append ID [ITEM...] [--items FILE|-] [--close]",
    "Adds items to a job that was submitted with --open: the ITEMs, or the lines of a file. The "
    "broker has all of them when the command returns. Several clients may add items, one after the "
    "other.",
    "  id=$(quern run echo --open)\n"
    "  quern append $id one two three\n"
    "  tail -f requests.log | quern append $id --items -    as they come\n"
    "  quern append $id --items last.txt --close\n"};

constexpr Manual kCloseManual = {
    "quern close ID...",
    "Closes jobs that were submitted with --open. They take no more items, and end when the items "
    "that they have are done.",
    "  quern close 12 && quern wait 12 && quern results 12\n"};

// What the reader may be ahead of the broker.
constexpr std::size_t kAheadBytes = 4u << 20;

/// Lines that one thread reads and another one appends: all that are there, without waiting for
/// more.
class ReadAhead {
 public:
  void put(Bytes line) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return bytes_ < kAheadBytes; });
    bytes_ += line.size() + 1;
    lines_.push_back(std::move(line));
    changed_.notify_all();
  }
  void end(std::exception_ptr error) {
    std::lock_guard lock(mutex_);
    ended_ = true;
    error_ = std::move(error);
    changed_.notify_all();
  }
  /// Empty after the last one. Rethrows what ended the reading.
  std::vector<Bytes> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_ || !lines_.empty(); });
    if (lines_.empty() && error_) std::rethrow_exception(error_);
    bytes_ = 0;
    changed_.notify_all();
    return std::exchange(lines_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Bytes> lines_;
  std::size_t bytes_ = 0;
  bool ended_ = false;
  std::exception_ptr error_;
};

void read_lines(Items source, ReadAhead& lines) {
  try {
    Bytes line;
    while (source.next(line)) lines.put(std::exchange(line, {}));
    lines.end(nullptr);
  } catch (...) {
    lines.end(std::current_exception());
  }
}

/// Appends the lines of a file as they arrive.
void append_lines(Client& client, JobNumber number, const std::string& file,
                  AppendOptions& options) {
  const auto lines = std::make_shared<ReadAhead>();
  // Not joined: if appending fails, it may be blocked in a read for ever.
  std::thread([lines, source = lines_of({file})] { read_lines(source, *lines); }).detach();
  for (auto block = lines->take(); !block.empty(); block = lines->take()) {
    client.append(number, block, options);
    if (options.first) *options.first += block.size();
  }
}

std::string items_text(const JobStatus& status) {
  std::string text = "job " + std::to_string(value(status.number)) + " has " +
                     std::to_string(status.total) + " items";
  return text + (status.open ? ", and takes more\n" : " and is closed\n");
}

void show_items(const JobStatus& status, bool json) {
  std::cout << (json ? line_of(to_json(status)) : items_text(status));
}

}  // namespace

Syntax append_syntax() {
  Syntax syntax(kAppendManual);
  syntax.words(1, Syntax::kAnyNumber, "the id of a job", Word::job);
  auto add = syntax.add();
  add("items", option<std::string>("FILE"), "one item per line of a file; - is standard input");
  add("first", option<std::int64_t>("N"),
      "index of the first item: the command fails if the job has another number of items, so that "
      "a repetition adds nothing twice");
  add("close", flag(), "these are the last items");
  return syntax;
}

Syntax close_syntax() {
  Syntax syntax(kCloseManual);
  syntax.words(1, Syntax::kAnyNumber, "the id of a job", Word::job);
  return syntax;
}

Exit append(const Arguments& arguments) {
  const auto given = append_syntax().parse(arguments);
  if (!given) return Exit::done;
  const auto words = given->words();
  const JobNumber number = job_number(words.front());
  if (words.size() > 1 && given->has("items"))
    throw UsageError("give items as words or with --items, not both");
  if (words.size() == 1 && !given->has("items") && !given->flag("close"))
    throw UsageError("the items are missing: give them as words, or with --items FILE");
  AppendOptions options;
  if (given->has("first")) {
    const auto first = given->get<std::int64_t>("first");
    if (first < 0) throw UsageError("--first takes the index of an item, from 0");
    options.first = static_cast<std::uint64_t>(first);
  }
  Client client(given->client());
  const std::vector<Bytes> items(words.begin() + 1, words.end());
  if (given->has("items")) append_lines(client, number, given->get<std::string>("items"), options);
  options.close = given->flag("close");
  show_items(client.append(number, items, options), given->json());
  return Exit::done;
}

Exit close(const Arguments& arguments) {
  const auto given = close_syntax().parse(arguments);
  if (!given) return Exit::done;
  std::vector<JobNumber> numbers;
  for (const std::string& word : given->words()) numbers.push_back(job_number(word));
  Client client(given->client());
  for (const JobNumber number : numbers) show_items(client.close(number), given->json());
  return Exit::done;
}

}  // namespace quern::cli
