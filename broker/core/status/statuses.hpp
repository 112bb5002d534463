// What is shown about jobs and about the broker.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/core/base/context.hpp"
#include "broker/core/edges/edge_table.hpp"
#include "broker/core/jobs/accounts.hpp"
#include "broker/core/jobs/families.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/jobs/kept_jobs.hpp"
#include "broker/core/sessions/session.hpp"
#include "broker/core/status/estimator.hpp"
#include "broker/core/status/reasons.hpp"
#include "broker/core/workers/leases.hpp"
#include "broker/core/workers/workers.hpp"

namespace quern::broker {

class Statuses {
 public:
  Statuses(Context& context, Sessions& sessions, Workers& workers, Leases& leases, Jobs& jobs,
           Accounts& accounts, KeptJobs& kept, Families& families, EdgeTable& edges,
           Estimator& estimator, Reasons& reasons)
      : context_(context),
        sessions_(sessions),
        workers_(workers),
        leases_(leases),
        jobs_(jobs),
        accounts_(accounts),
        kept_(kept),
        families_(families),
        edges_(edges),
        estimator_(estimator),
        reasons_(reasons) {}

  /// `exact`: examines all leases of its workers.
  JobStatus status_of(const Job& job, Time now, bool with_shares, bool exact) const;
  /// Why it waits, failed or was cancelled.
  std::string reason_of(const Job& job) const;
  /// Which worker ran which of its leases, and when.
  std::vector<LeaseSpan> spans_of(const Job& job, Time now) const;
  /// `token`: the token of the request that it answers; 0: none.
  wire::JobUpdate update_of(const Job& job, Time now, std::uint64_t token) const;
  BrokerStatus broker(Time now) const;
  /// The same with everything that is counted; examines all workers, and no job.
  BrokerStatus broker_in_detail(Time now) const;

  /// Tasks of the job that wait for results of others.
  wire::IntervalSet blocked(const Job& job) const { return edges_.blocked(job); }

 private:
  Context& context_;
  Sessions& sessions_;
  Workers& workers_;
  Leases& leases_;
  Jobs& jobs_;
  Accounts& accounts_;
  KeptJobs& kept_;
  Families& families_;
  EdgeTable& edges_;
  Estimator& estimator_;
  Reasons& reasons_;
};

}  // namespace quern::broker
