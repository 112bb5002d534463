// A job of commands that leave a mark when they start, which reveals a second start of a task.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "quern/client.hpp"

namespace quern::chaos {

/// How often a task of a job may be started. once: at most once. plain: again after the loss of its
/// worker or a failure. idempotent: also while it runs.
enum class Starts : std::uint8_t { once, plain, idempotent };

/// Derived from its seed, so that the commander, the collector and the verdict know the same job.
struct CommandJob {
  std::string name;
  Starts starts = Starts::once;
  bool durable = false;
  bool detached = false;
  std::uint64_t size = 0;
  std::uint64_t seed = 0;

  Job submit(Client& client, const std::string& folder) const;

  /// The exit code of the command of a task; it prints its number in either case.
  int code(std::uint64_t task) const;
  /// The allowed attempts of a task. Half of the `once` jobs ask for several, which must have no
  /// effect.
  std::uint32_t attempts() const;

  /// The words of the job in the journal, without its name.
  std::string words() const;
};

CommandJob random_command_job(std::mt19937_64& random, bool broker_is_durable);
/// Reads what words() wrote.
std::optional<CommandJob> command_job(const std::string& name, const std::string& words);

/// Where the commands of a run leave their marks: files named JOB.TASK.WORKER.COMMAND, the last two
/// are process ids.
std::string marks_folder(const std::string& folder);

}  // namespace quern::chaos
