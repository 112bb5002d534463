// Decides once for each job how it is run, as soon as a worker offers its function.
//
// Owns the undecided jobs, by function, and the decisions that jobs share. A job whose input does
// not fit its function fails: Job::fail() records that, and settle() ends it.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>

#include "broker/core/base/context.hpp"
#include "broker/core/jobs/job_changes.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/jobs/journal.hpp"
#include "broker/core/scheduling/costs.hpp"
#include "broker/core/scheduling/decision.hpp"
#include "broker/core/scheduling/pools.hpp"
#include "broker/core/workers/offers.hpp"

namespace quern::broker {

class Decider {
 public:
  Decider(Context& context, Offers& offers, Jobs& jobs, Journal& journal, JobChanges& changes,
          Pools& pools, Costs& costs)
      : context_(context),
        offers_(offers),
        jobs_(jobs),
        journal_(journal),
        changes_(changes),
        pools_(pools),
        costs_(costs) {}

  /// Adds a live job that is not decided yet.
  void add_undecided(const Job& job) { undecided_[job.spec.function].insert(job.number); }
  /// The job has been decided or has ended.
  void remove_undecided(const Job& job);
  /// The job may be decidable now: the next decide_waiting() tries.
  void decide_again(const Job& job) { redecide_.insert(job.number); }
  bool has_any_to_decide() const { return offers_.news() || !redecide_.empty(); }
  /// Decides jobs that were waiting for what workers offer now, or for their input; a limited
  /// number per call.
  void decide_waiting();
  /// Decides this job if that is possible now.
  void decide_job(Job& job);
  /// Returns one shared copy for equal decisions.
  std::shared_ptr<const Decision> shared(const Decision& decision, const std::string& function);
  /// Whether decide_waiting() has to be called again at once.
  bool has_more() const { return !redecide_.empty(); }

 private:
  /// The function takes the whole input at once: the input becomes the payload of a single task.
  void shape_whole(Job& job);

  Context& context_;
  Offers& offers_;
  Jobs& jobs_;
  Journal& journal_;
  JobChanges& changes_;
  Pools& pools_;
  Costs& costs_;
  std::map<std::string, std::set<JobNumber>> undecided_;  ///< by function
  std::set<JobNumber> redecide_;
  std::unordered_map<std::string, std::shared_ptr<const Decision>> decisions_;
};

}  // namespace quern::broker
