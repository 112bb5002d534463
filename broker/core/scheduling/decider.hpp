// How a job is run, once a worker offers its function: decided here, once.
//
// It owns the jobs that are not decided yet, by function, and the decisions that jobs share. A job
// whose input does not fit its function fails: Job::fail() says so, and settle() ends it.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>

#include "broker/core/base/context.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/jobs/journal.hpp"
#include "broker/core/scheduling/costs.hpp"
#include "broker/core/scheduling/decision.hpp"
#include "broker/core/scheduling/pools.hpp"
#include "broker/core/workers/offers.hpp"

namespace quern::broker {

class Decider {
 public:
  Decider(Context& context, Offers& offers, Jobs& jobs, Journal& journal, Pools& pools,
          Costs& costs)
      : context_(context),
        offers_(offers),
        jobs_(jobs),
        journal_(journal),
        pools_(pools),
        costs_(costs) {}

  /// A live job that is not decided.
  void add_undecided(const Job& job) { undecided_[job.spec.function].insert(job.number); }
  /// It is decided, or over.
  void remove_undecided(const Job& job);
  /// This job may be decided now: with the next decide_waiting().
  void decide_again(const Job& job) { redecide_.insert(job.number); }
  bool has_any_to_decide() const { return offers_.news() || !redecide_.empty(); }
  /// Decides jobs that waited for what workers offer now, or for their input; some at a time.
  void decide_waiting();
  /// Decides this job if that is possible now.
  void decide_job(Job& job);
  /// One copy of decisions that are alike.
  std::shared_ptr<const Decision> shared(const Decision& decision, const std::string& function);
  /// Whether it has to be called again at once.
  bool has_more() const { return !redecide_.empty(); }

 private:
  /// The function takes the whole input at once: it becomes the payload of one task.
  void shape_whole(Job& job);

  Context& context_;
  Offers& offers_;
  Jobs& jobs_;
  Journal& journal_;
  Pools& pools_;
  Costs& costs_;
  std::map<std::string, std::set<JobNumber>> undecided_;  ///< by function
  std::set<JobNumber> redecide_;
  std::unordered_map<std::string, std::shared_ptr<const Decision>> decisions_;
};

}  // namespace quern::broker
