#include "chaos/client.hpp"

#include <unistd.h>

#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <stdexcept>

#include "chaos/journal.hpp"
#include "quern/client.hpp"
#include "quern/typed.hpp"

namespace quern::chaos {
namespace {

using Random = std::mt19937_64;

enum class Kind : unsigned char { echo, stream, traced, slow, sum, words };
constexpr const char* kNames[] = {"echo", "stream", "traced", "slow", "sum", "words"};

/// A job and its answer, derived from its kind, its size and a seed, so that another process can
/// check it too.
struct Task {
  Kind kind = Kind::echo;
  std::uint64_t size = 0;
  std::uint64_t seed = 0;

  std::string item(std::uint64_t i) const {
    if (kind == Kind::slow) return std::to_string(1000 + (seed + i) % 5000);  // microseconds
    std::string text = std::to_string(seed) + "." + std::to_string(i);
    if (kind == Kind::echo || kind == Kind::stream) text.append((seed * 31 + i * 7) % 50, 'x');
    return text;
  }
  bool reduced() const { return kind == Kind::sum || kind == Kind::words; }

  Job submit(Client& client, const SubmitOptions& given) const {
    SubmitOptions options = given;
    options.attempts = 1000;  // no task here fails on its own
    if (kind == Kind::sum)
      return client.submit("sum", Range{0, static_cast<std::int64_t>(size)}, options);
    if (kind == Kind::words) options.reduce = "merge_counts";
    const char* function = kind == Kind::traced  ? "traced"
                           : kind == Kind::slow  ? "sleep"
                           : kind == Kind::words ? "wordcount"
                                                 : "echo";
    Items items;
    const Task self = *this;
    items.next = [self, i = std::uint64_t{0}](Bytes& out) mutable {
      if (i == self.size) return false;
      out = self.kind == Kind::words ? "grain flour grain" : self.item(i);
      ++i;
      return true;
    };
    if (kind == Kind::echo) items.source = Items::Source::in_memory;
    return client.submit(function, std::move(items), options);
  }

  /// Reads the results. Returns what is wrong with them, or nothing.
  std::string verdict(Job& job, std::uint64_t& tasks) const {
    if (kind == Kind::sum) {
      const auto sum = from_value<std::uint64_t>(job.get());
      tasks = size;
      return sum == size * (size - 1) / 2 ? "" : "wrong the sum is " + std::to_string(sum);
    }
    if (kind == Kind::words) {
      const auto counts = from_value<std::map<std::string, std::uint64_t>>(job.get());
      tasks = size;
      return counts == std::map<std::string, std::uint64_t>{{"grain", 2 * size}, {"flour", size}}
                 ? ""
                 : "wrong the counts";
    }
    std::vector<unsigned char> seen(size);
    while (auto result = job.next_completed()) {
      if (!result->ok)
        return "wrong task " + std::to_string(result->index) + " failed: " + result->text;
      if (result->index >= size) return "wrong a task that was never submitted";
      if (seen[result->index]++) return "duplicated task " + std::to_string(result->index);
      const std::string got = kind == Kind::slow
                                  ? std::to_string(from_value<std::uint64_t>(result->bytes))
                                  : result->bytes;
      if (got != item(result->index))
        return "wrong task " + std::to_string(result->index) + ": " + got;
      ++tasks;
    }
    return tasks == size
               ? ""
               : "missing " + std::to_string(size - tasks) + " of " + std::to_string(size);
  }

  std::string line() const {
    return std::string(kNames[static_cast<int>(kind)]) + " " + std::to_string(size) + " " +
           std::to_string(seed);
  }
};

Task random_task(Random& random) {
  Task task;
  task.kind = static_cast<Kind>(random() % 6);
  task.seed = random() % 1'000'000'000;
  switch (task.kind) {
    case Kind::echo:
      task.size = 1 + random() % 20'000;
      break;
    case Kind::stream:
      task.size = 1 + random() % 100'000;
      break;
    case Kind::traced:
      task.size = 1 + random() % 400;
      break;
    case Kind::slow:
      task.size = 1 + random() % 200;
      break;
    case Kind::sum:
      task.size = 1 + random() % 1'000'000'000;
      break;
    case Kind::words:
      task.size = 1 + random() % 2'000;
      break;
  }
  return task;
}

/// Follows a job to its end and returns how it ended.
void follow(Journal& journal, const std::string& name, const Task& task, Job& job) {
  std::uint64_t tasks = 0;
  try {
    const std::string wrong = task.verdict(job, tasks);
    journal.say(name + " " + (wrong.empty() ? "completed " + std::to_string(tasks) : wrong));
  } catch (const Error& error) {
    const bool lost = error.code() == ErrorCode::lost || error.code() == ErrorCode::unknown_job;
    const bool refused = error.code() == ErrorCode::store || error.code() == ErrorCode::queue_full;
    journal.say(name +
                (lost      ? " lost "
                 : refused ? " refused "
                           : " failed ") +
                std::string(to_string(error.code())) + " " + error.what());
  }
}

}  // namespace

ClientOptions options_of(const ClientCall& call) {
  ClientOptions options;
  options.endpoint = call.endpoint;
  options.first_wait = std::chrono::seconds(60);
  options.retry = std::chrono::seconds(60);
  return options;
}

int run_client(const ClientCall& call) {
  Journal journal(call.journal);
  Random random(call.seed);
  Client client(options_of(call));
  for (std::uint64_t n = 0; ::access(call.stop.c_str(), F_OK) != 0; ++n) {
    const Task task = random_task(random);
    SubmitOptions options;
    options.detach = random() % 3 == 0;
    options.priority = static_cast<std::int32_t>(random() % 3);
    if (call.durability == "memory") options.durability = Durability::memory;
    if (options.detach && random() % 2 == 0)
      options.unique = "key-" + std::to_string(call.seed) + "-" + std::to_string(n);
    const std::string name = std::to_string(call.seed) + "-" + std::to_string(n);
    Job job = task.submit(client, options);
    std::uint64_t number = 0;
    try {
      number = value(job.number());
      // A stream is acknowledged in parts; only a complete one is guaranteed to continue without
      // its client.
      if (options.detach) job.wait_for_intake();
    } catch (const Error& error) {
      journal.say(name + " refused " + std::string(to_string(error.code())) + " " + error.what());
      continue;
    }
    journal.say(name + " accepted " + std::to_string(number) + " " +
                (options.detach ? "detached " : "attached ") + task.line());
    if (options.detach && random() % 2 == 0) continue;  // the collector reads it
    follow(journal, name, task, job);
  }
  return 0;
}

int run_collector(const ClientCall& call, const std::string& jobs) {
  Journal journal(call.journal);
  Client client(options_of(call));
  std::ifstream in(jobs);
  std::string name, kind;
  std::uint64_t number = 0;
  Task task;
  while (in >> name >> number >> kind >> task.size >> task.seed) {
    for (unsigned char k = 0; k < 6; ++k)
      if (kind == kNames[k]) task.kind = static_cast<Kind>(k);
    Job job = client.attach(JobNumber{number});
    follow(journal, name, task, job);
  }
  return 0;
}

}  // namespace quern::chaos
