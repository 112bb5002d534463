// What leaves memory when it fills up: payloads and results of durable jobs that are already in the
// store. They are read back when they are needed.
//
// Owns the list of jobs with many results in memory.
#pragma once

#include <cstdint>
#include <set>

#include "broker/core/base/context.hpp"
#include "broker/core/durability/commit_log.hpp"
#include "broker/core/jobs/accounts.hpp"
#include "broker/core/jobs/jobs.hpp"

namespace quern::broker {

class Eviction {
 public:
  Eviction(Context& context, CommitLog& commits, Jobs& jobs, Accounts& accounts)
      : context_(context), commits_(commits), jobs_(jobs), accounts_(accounts) {}

  /// A commit is done: evicts what it made durable, as far as memory is short.
  void on_committed(Time now);
  /// Evicts payloads and results until memory use is below its limit.
  void evict(Time now);
  /// The job's results are examined after the next commit.
  void note_results(const Job& job) { heavy_.insert(job.number); }
  /// Does the same if there are many of them.
  void note_results_if_many(const Job& job);
  /// Whether so many of its results wait to be read that no more of its tasks are granted.
  bool over_result_share(const Job& job) const;

 private:
  void evict_results(Job& job, std::uint64_t keep);
  std::uint64_t results_kept(const Job& job) const;
  std::uint64_t result_share() const;

  Context& context_;
  CommitLog& commits_;
  Jobs& jobs_;
  Accounts& accounts_;
  std::set<JobNumber> heavy_;  ///< durable jobs with many results in memory
};

}  // namespace quern::broker
