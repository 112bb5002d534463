// What a job waits for, in one sentence.
#pragma once

#include <string>

#include "broker/core/durability/commit_log.hpp"
#include "broker/core/jobs/eviction.hpp"
#include "broker/core/workers/offers.hpp"
#include "broker/core/workers/workers.hpp"

namespace quern::broker {

class Reasons {
 public:
  Reasons(CommitLog& commits, Offers& offers, Workers& workers, Eviction& eviction)
      : commits_(commits), offers_(offers), workers_(workers), eviction_(eviction) {}

  /// Of a paused job.
  static std::string paused(const Job& job);
  /// Empty if it waits for nothing.
  std::string waits_for(const Job& job) const;

 private:
  static std::string all_stuck(const Job& job);
  /// The requirements that no worker meets.
  std::string unmet(const Job& job) const;

  CommitLog& commits_;
  Offers& offers_;
  Workers& workers_;
  Eviction& eviction_;
};

}  // namespace quern::broker
