// What leaves memory when it fills up: payloads and results of durable jobs that are in the store
// already. They are read back when they are needed.
//
// It owns the list of jobs with many results in memory.
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

  /// A commit is done: lets go of what it made durable, as far as memory is short.
  void on_committed(Time now);
  /// Lets go of payloads and results until memory is below its limit.
  void evict(Time now);
  /// Its results are examined with the next commit.
  void note_results(const Job& job) { heavy_.insert(job.number); }
  /// The same, if they are many.
  void note_results_if_many(const Job& job);
  /// Whether so many of its results wait to be read that no more tasks of it are granted.
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
