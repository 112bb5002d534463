#include "chaos/start_ledger.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include "chaos/command_job.hpp"

namespace quern::chaos {
namespace {

struct History {
  CommandJob job;
  std::uint64_t client = 0;
  std::optional<std::string> number;  ///< set once the job was acknowledged
  bool complete = false;
  std::string gone;                            ///< why the job cannot be read to its end
  std::map<std::uint64_t, std::string> tasks;  ///< how each task ended
  std::set<std::uint64_t> told;  ///< tasks reported by the process that follows the job now
  std::map<std::uint64_t, std::vector<pid_t>> starts;  ///< the workers that started each task
  std::vector<std::string> failures;

  void fail(std::uint64_t task, const std::string& why) {
    failures.push_back("command " + job.name + "." + std::to_string(task) + " (" + job.words() +
                       "): " + why);
  }
};

void read_task(History& entry, std::istringstream& words) {
  std::uint64_t task = 0;
  std::string ending;
  words >> task >> std::ws;
  std::getline(words, ending);
  if (task >= entry.job.size) return entry.fail(task, "was never submitted");
  if (!entry.told.insert(task).second)
    return entry.fail(task, "ended twice: at last with " + ending);
  const auto [before, fresh] = entry.tasks.try_emplace(task, ending);
  if (!fresh && before->second != ending)
    entry.fail(task, "ended with " + before->second + ", and for another reader with " + ending);
}

std::map<std::string, History> read_journal(const std::string& folder) {
  std::map<std::string, History> entries;
  std::ifstream in(folder + "/commands");
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string name, what, rest;
    words >> name >> what;
    History& entry = entries[name];
    if (what == "task") {
      read_task(entry, words);
      continue;
    }
    words >> std::ws;
    std::getline(words, rest);
    if (what == "begins") {
      entry.job = command_job(name, rest).value();
      entry.client = std::stoull(name);
    } else if (what == "accepted") {
      entry.number = rest;
    } else if (what == "followed") {
      entry.told.clear();
    } else if (what == "complete") {
      entry.complete = true;
    } else {
      entry.gone = rest;  // refused, or gone later
    }
  }
  return entries;
}

/// Removes and returns the number at the end of the name of a mark.
std::optional<std::uint64_t> take_number(std::string& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos) return std::nullopt;
  std::uint64_t number = 0;
  const char* end = name.data() + name.size();
  const auto [at, error] = std::from_chars(name.data() + dot + 1, end, number);
  if (error != std::errc{} || at != end) return std::nullopt;
  name.resize(dot);
  return number;
}

void read_marks(const std::string& folder, std::map<std::string, History>& entries,
                StartVerdict& v) {
  for (const auto& file : std::filesystem::directory_iterator(marks_folder(folder))) {
    std::string name = file.path().filename();
    const auto command = take_number(name), worker = take_number(name), task = take_number(name);
    const auto entry = entries.find(name);
    if (!command || !worker || !task || entry == entries.end()) {
      v.failures.push_back("a mark that no command can have left: " +
                           file.path().filename().string());
      continue;
    }
    entry->second.starts[*task].push_back(static_cast<pid_t>(*worker));
    ++v.starts;
  }
}

/// Tasks that were started again although they had not failed and none of their workers can have
/// been lost. Any start by a disturbed worker may be the lost one: a task that waits at a stopped
/// worker starts when the worker continues, after the task was granted to another.
void judge_reruns(History& entry, std::uint64_t task, const std::vector<pid_t>& workers,
                  const Disturbed& disturbed) {
  if (entry.job.starts != Starts::plain) return;
  if (disturbed.broker_killed && !entry.job.durable) return;
  const auto steady = std::ranges::count_if(
      workers, [&](pid_t worker) { return disturbed.steady_workers.contains(worker); });
  const std::uint32_t expected = entry.job.code(task) == 0 ? 1 : entry.job.attempts();
  if (steady > expected)
    entry.fail(task, "was started " + std::to_string(steady) +
                         " times by workers that were there all the time");
}

void judge_task(History& entry, std::uint64_t task, const std::string& ending, StartVerdict& v) {
  const auto found = entry.starts.find(task);
  const std::size_t starts = found == entry.starts.end() ? 0 : found->second.size();
  const bool once = entry.job.starts == Starts::once;
  if (once) ++v.once_tasks;
  if (once && ending == "lost_worker") {
    ++v.lost_worker;
    if (starts == 0) ++v.lost_unstarted;
    return;
  }
  const std::string expected = entry.job.code(task) == 0 ? "done" : "failed";
  if (ending != expected)
    entry.fail(task, "ended with " + ending + " instead of " + expected);
  else if (starts == 0)
    entry.fail(task, "ended with " + ending + ", but was never started");
}

/// Whether the end of some of its tasks may legitimately be unreported.
bool excused(const History& entry, const Disturbed& disturbed, StartVerdict& v) {
  if (!entry.gone.empty()) {
    const bool lost = entry.gone.starts_with("lost") || entry.gone.starts_with("unknown_job");
    if (lost && !entry.job.durable && disturbed.broker_killed) return ++v.gone, true;
    return !entry.number && !lost;  // refused
  }
  const bool killed = disturbed.killed_clients.contains(entry.client);
  if (killed && !(entry.number && entry.job.detached)) return ++v.abandoned, true;
  return false;
}

void judge(History& entry, const Disturbed& disturbed, StartVerdict& v) {
  if (entry.number) ++v.jobs;
  if (entry.number && entry.job.starts == Starts::once) ++v.once_jobs;
  for (const auto& [task, starts] : entry.starts) {
    if (entry.job.starts == Starts::once && starts.size() > 1)
      entry.fail(task, "was started " + std::to_string(starts.size()) + " times");
    if (entry.job.starts != Starts::once) v.second_starts += starts.size() - 1;
    judge_reruns(entry, task, starts, disturbed);
  }
  for (const auto& [task, ending] : entry.tasks) judge_task(entry, task, ending, v);
  if (entry.complete ? entry.tasks.size() == entry.job.size : excused(entry, disturbed, v)) return;
  entry.failures.push_back("job " + entry.job.name + " (" + entry.job.words() + "): of " +
                           std::to_string(entry.tasks.size()) + " tasks the end is known. " +
                           (entry.complete ? "It is said to be complete" : entry.gone));
}

}  // namespace

std::string unread_commands(const std::string& folder) {
  std::string out;
  for (const auto& [name, entry] : read_journal(folder))
    if (entry.number && entry.job.detached && !entry.complete && entry.gone.empty())
      out += name + " " + *entry.number + " " + entry.job.words() + "\n";
  return out;
}

StartVerdict judge_starts(const std::string& folder, const Disturbed& disturbed) {
  StartVerdict v;
  auto entries = read_journal(folder);
  read_marks(folder, entries, v);
  for (auto& [name, entry] : entries) {
    judge(entry, disturbed, v);
    v.failures.insert(v.failures.end(), entry.failures.begin(), entry.failures.end());
  }
  return v;
}

}  // namespace quern::chaos
