#include "chaos/commander.hpp"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "chaos/command_job.hpp"
#include "chaos/journal.hpp"
#include "quern/command.hpp"

namespace quern::chaos {
namespace {

constexpr std::uint64_t kJobsAtOnce = 6;  // enough that a lost worker is running some of them

/// One word for how a task ended: done, failed (with its planned exit code), or an error word.
std::string ending(const CommandJob& job, const TaskResult& task) {
  if (!task.ok && task.code != ErrorCode::failed) return std::string(to_string(task.code));
  try {
    const CommandResult result = command_result(task.bytes);
    const bool expected = result.code == job.code(task.index) && result.signal == 0 &&
                          task.ok == result.ok() && result.out == std::to_string(task.index) + "\n";
    if (expected) return task.ok ? "done" : "failed";
    return "wrong code " + std::to_string(result.code) + ", signal " +
           std::to_string(result.signal) + ", output " + result.out + result.err;
  } catch (const std::invalid_argument&) {
    return "wrong " + task.text;
  }
}

void follow(Journal& journal, const CommandJob& command, Job& job) {
  journal.say(command.name + " followed");
  try {
    while (const auto task = job.next_completed())
      journal.say(command.name + " task " + std::to_string(task->index) + " " +
                  ending(command, *task));
    journal.say(command.name + " complete");
  } catch (const Error& error) {
    journal.say(command.name + " gone " + std::string(to_string(error.code())) + " " +
                error.what());
  }
}

/// Runs jobs one after the other until the stop file exists.
void submit_in_turn(const ClientCall& call, std::uint64_t thread, Journal& journal,
                    Client& client) {
  std::mt19937_64 random(call.seed * kJobsAtOnce + thread);
  for (std::uint64_t n = 0; ::access(call.stop.c_str(), F_OK) != 0; ++n) {
    CommandJob command = random_command_job(random, call.durability == "durable");
    command.name = std::to_string(call.seed) + "-" + std::to_string(n * kJobsAtOnce + thread);
    // Before the submission, because a job that is known only by its marks must be checked too.
    journal.say(command.name + " begins " + command.words());
    Job job = command.submit(client, call.folder);
    try {
      const JobNumber number = job.number();
      if (command.detached) job.wait_for_intake();
      journal.say(command.name + " accepted " + std::to_string(value(number)));
    } catch (const Error& error) {
      journal.say(command.name + " refused " + std::string(to_string(error.code())) + " " +
                  error.what());
      continue;
    }
    if (command.detached && random() % 2 == 0) continue;  // the collector reads it
    follow(journal, command, job);
  }
}

}  // namespace

int run_commander(const ClientCall& call) {
  Journal journal(call.journal);
  Client client(options_of(call));
  std::vector<std::jthread> threads;
  for (std::uint64_t i = 0; i < kJobsAtOnce; ++i)
    threads.emplace_back([&, i] { submit_in_turn(call, i, journal, client); });
  threads.clear();  // joins them
  return 0;
}

int run_command_collector(const ClientCall& call, const std::string& jobs) {
  Journal journal(call.journal);
  Client client(options_of(call));
  std::ifstream in(jobs);
  std::string name, words;
  std::uint64_t number = 0;
  while (in >> name >> number && std::getline(in, words)) {
    const auto command = command_job(name, words);
    if (!command) return 1;
    Job job = client.attach(JobNumber{number});
    follow(journal, *command, job);
  }
  return 0;
}

}  // namespace quern::chaos
