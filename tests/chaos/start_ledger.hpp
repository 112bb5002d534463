// The verdict on the starts of commands: their marks are compared with what their clients were
// told.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace quern::chaos {

/// Which processes of a run were disturbed, and how.
struct Disturbed {
  std::set<pid_t> steady_workers;          ///< never disturbed, and never reported as lost
  std::set<std::uint64_t> killed_clients;  ///< by their seeds
  bool broker_killed = false;              ///< memory jobs may be lost
};

struct StartVerdict {
  std::uint64_t jobs = 0;             ///< acknowledged
  std::uint64_t once_jobs = 0;        ///< those of them that are at-most-once
  std::uint64_t once_tasks = 0;       ///< reported tasks of these jobs
  std::uint64_t lost_worker = 0;      ///< those of them that ended by the loss of their worker
  std::uint64_t lost_unstarted = 0;   ///< those of these without a mark, which had not started
  std::uint64_t gone = 0;             ///< memory jobs that were lost with their broker
  std::uint64_t abandoned = 0;        ///< their client was killed
  std::uint64_t starts = 0;           ///< of all commands
  std::uint64_t second_starts = 0;    ///< of commands that may be started twice
  std::vector<std::string> failures;  ///< a line for each broken promise
};

/// Detached jobs of commands that no client has read to the end, as lines for the collector.
std::string unread_commands(const std::string& folder);
StartVerdict judge_starts(const std::string& folder, const Disturbed& disturbed);

}  // namespace quern::chaos
