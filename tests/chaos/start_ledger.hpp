// The verdict over the starts of commands: what their marks say against what their clients were
// told.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace quern::chaos {

/// Who was disturbed in a run, and how.
struct Disturbed {
  std::set<pid_t> steady_workers;          ///< never disturbed, and never lost to the broker
  std::set<std::uint64_t> killed_clients;  ///< by their seeds
  bool broker_killed = false;              ///< memory jobs may be gone
};

struct StartVerdict {
  std::uint64_t jobs = 0;             ///< acknowledged
  std::uint64_t once_jobs = 0;        ///< and of them those that run each task at most once
  std::uint64_t once_tasks = 0;       ///< tasks of these that were reported
  std::uint64_t lost_worker = 0;      ///< of them: ended by the loss of their worker
  std::uint64_t lost_unstarted = 0;   ///< of these: left no mark, so they had not begun
  std::uint64_t gone = 0;             ///< memory jobs that went with their broker
  std::uint64_t abandoned = 0;        ///< their client was killed
  std::uint64_t starts = 0;           ///< of all commands
  std::uint64_t second_starts = 0;    ///< of commands that may have them
  std::vector<std::string> failures;  ///< a line for each promise that was broken
};

/// Detached jobs of commands that nobody has read to the end: lines for the collector.
std::string unread_commands(const std::string& folder);
StartVerdict judge_starts(const std::string& folder, const Disturbed& disturbed);

}  // namespace quern::chaos
