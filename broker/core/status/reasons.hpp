// What a job waits for, in one sentence.
#pragma once

#include <string>

#include "broker/core/durability/commit_log.hpp"
#include "broker/core/edges/edge_table.hpp"
#include "broker/core/jobs/eviction.hpp"
#include "broker/core/workers/offers.hpp"
#include "broker/core/workers/workers.hpp"

namespace quern::broker {

class Reasons {
 public:
  Reasons(CommitLog& commits, Offers& offers, Workers& workers, const Jobs& jobs,
          Eviction& eviction, const EdgeTable& edges)
      : commits_(commits),
        offers_(offers),
        workers_(workers),
        jobs_(jobs),
        eviction_(eviction),
        edges_(edges) {}

  /// Of a paused job.
  static std::string paused(const Job& job);
  /// Empty if it waits for nothing.
  std::string waits_for(const Job& job) const;

 private:
  static std::string all_stuck(const Job& job);
  /// The jobs that have to go on first; empty: none.
  std::string upstream(const Job& job) const;
  /// The requirements that no worker meets.
  std::string unmet(const Job& job) const;

  CommitLog& commits_;
  Offers& offers_;
  Workers& workers_;
  const Jobs& jobs_;
  Eviction& eviction_;
  const EdgeTable& edges_;
};

}  // namespace quern::broker
