// What the clients of a chaos run wrote down, and the verdict over it.
#pragma once

#include <sys/types.h>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace quern::chaos {

struct Verdict {
  std::uint64_t submitted = 0;  ///< acknowledged
  std::uint64_t completed = 0;  ///< with the right answer
  std::uint64_t abandoned = 0;  ///< their client was killed, so they may be cancelled
  std::uint64_t lost = 0;       ///< acknowledged, and gone or never finished
  std::uint64_t duplicated = 0;
  std::uint64_t wrong = 0;
  std::uint64_t refused = 0;  ///< never acknowledged
  std::uint64_t tasks = 0;
  std::vector<std::string> reasons;  ///< a line for each that is lost, duplicated or wrong
};

/// Detached jobs that nobody has read to the end: lines for the collector.
std::string unread_jobs(const std::string& folder);
Verdict judge(const std::string& folder, const std::set<std::uint64_t>& killed_clients);
/// Tasks that ran twice although the worker that ran them first was never disturbed: a line for
/// each.
std::vector<std::string> reruns_of_live_leases(const std::string& folder,
                                               const std::set<pid_t>& disturbed);
/// Grows whenever a task or a job completes anywhere.
std::uint64_t progress(const std::string& folder);

}  // namespace quern::chaos
