// The journals of the clients of a chaos run, and the verdict.
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
  std::uint64_t abandoned = 0;  ///< may be cancelled, because their client was killed
  std::uint64_t lost = 0;       ///< acknowledged, but missing or never finished
  std::uint64_t duplicated = 0;
  std::uint64_t wrong = 0;
  std::uint64_t refused = 0;  ///< never acknowledged
  std::uint64_t tasks = 0;
  std::vector<std::string> reasons;  ///< a line for each lost, duplicated or wrong job
};

/// Detached jobs that no client has read to the end, as lines for the collector.
std::string unread_jobs(const std::string& folder);
Verdict judge(const std::string& folder, const std::set<std::uint64_t>& killed_clients);
/// Tasks that ran twice although the worker that ran them first was never disturbed, one line
/// each.
std::vector<std::string> reruns_of_live_leases(const std::string& folder,
                                               const std::set<pid_t>& disturbed);
/// A number that grows whenever a task or a job completes.
std::uint64_t progress(const std::string& folder);

}  // namespace quern::chaos
