// How jobs end, and how they run again.
#pragma once

#include <string>
#include <utility>

#include "broker/core/base/context.hpp"
#include "broker/core/blobs/blobs.hpp"
#include "broker/core/endings/cancelling.hpp"
#include "broker/core/jobs/eviction.hpp"
#include "broker/core/jobs/job_changes.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/jobs/journal.hpp"
#include "broker/core/jobs/kept_jobs.hpp"
#include "broker/core/scheduling/decider.hpp"
#include "broker/core/scheduling/fair_queue.hpp"
#include "broker/core/scheduling/pools.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/workers/offers.hpp"
#include "broker/core/workers/workers.hpp"

namespace quern::broker {

class Endings {
 public:
  Endings(Context& context, Outbox& outbox, Offers& offers, Workers& workers, Jobs& jobs,
          JobChanges& changes, Eviction& eviction, Journal& journal, KeptJobs& kept,
          FairQueue& queue, Pools& pools, Decider& decider, Blobs& blobs, Cancelling& cancelling)
      : context_(context),
        outbox_(outbox),
        offers_(offers),
        workers_(workers),
        jobs_(jobs),
        changes_(changes),
        eviction_(eviction),
        journal_(journal),
        kept_(kept),
        queue_(queue),
        pools_(pools),
        decider_(decider),
        blobs_(blobs),
        cancelling_(cancelling) {}

  /// Ends the job if it is done or cannot continue.
  void finish_if_done(Job& job, Time now);
  /// Ends the job now; tasks that have not ended are cancelled.
  void end(Job& job, JobState state, ErrorCode code, std::string reason, Time now);
  void end(Job& job, Ending ending, Time now) {
    end(job, ending.state, ending.code, std::move(ending.reason), now);
  }
  /// These failed tasks are pending again.
  void put_back(Job& job, const wire::IntervalSet& again);
  /// Runs these failed tasks of the job, which has ended, again.
  void reopen(Job& job, const wire::IntervalSet& again, Time now);

 private:
  Context& context_;
  Outbox& outbox_;
  Offers& offers_;
  Workers& workers_;
  Jobs& jobs_;
  JobChanges& changes_;
  Eviction& eviction_;
  Journal& journal_;
  KeptJobs& kept_;
  FairQueue& queue_;
  Pools& pools_;
  Decider& decider_;
  Blobs& blobs_;
  Cancelling& cancelling_;
};

}  // namespace quern::broker
