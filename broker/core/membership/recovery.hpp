// After a restart: jobs are restored from the store, and workers name the leases that they still
// hold.
//
// Tasks beyond a job's frontier were never leased, so they are granted at once. Tasks before it
// that have not ended may still be running, so they are `unsure` for recovery_wait. A worker that
// names them in its HELLO keeps its lease (adopt); tasks that nobody has named by then become
// pending again.
#pragma once

#include "broker/core/base/context.hpp"
#include "broker/core/blobs/blobs.hpp"
#include "broker/core/durability/job_numbers.hpp"
#include "broker/core/edges/connecting.hpp"
#include "broker/core/jobs/accounts.hpp"
#include "broker/core/jobs/families.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/jobs/journal.hpp"
#include "broker/core/jobs/kept_jobs.hpp"
#include "broker/core/scheduling/decider.hpp"
#include "broker/core/scheduling/fair_queue.hpp"
#include "broker/core/scheduling/pools.hpp"
#include "broker/core/scheduling/returns.hpp"
#include "broker/core/workers/leases.hpp"

namespace quern::broker {

class Recovery {
 public:
  Recovery(Context& context, JobNumbers& numbers, Leases& leases, Jobs& jobs, Accounts& accounts,
           Journal& journal, KeptJobs& kept, FairQueue& queue, Pools& pools, Returns& returns,
           Decider& decider, Blobs& blobs, EdgeTable& edges, Connecting& connecting,
           Families& families)
      : context_(context),
        numbers_(numbers),
        leases_(leases),
        jobs_(jobs),
        accounts_(accounts),
        journal_(journal),
        kept_(kept),
        queue_(queue),
        pools_(pools),
        returns_(returns),
        decider_(decider),
        blobs_(blobs),
        edges_(edges),
        connecting_(connecting),
        families_(families) {}

  void recover(Recovered&& recovered, Time now);
  /// The lease of an earlier incarnation that this worker says it holds; nullptr if it may not keep
  /// it.
  Lease* adopt(const wire::HeldLease& held, const Session& session, Time now);

 private:
  void recover_job(RecoveredJob&& recovered, Time now);
  void recover_spec(Job& job, RecoveredJob& recovered, Time now);
  void recover_tasks(Job& job, RecoveredJob& recovered);
  void recover_results(Job& job, RecoveredJob& recovered);
  static void recover_cancelled(Job& job);
  void recover_ended(Job& job, const JobProgress& progress, Time now);
  void recover_live(Job& job, Time now);
  static void recover_costs(Job& job, const StoredInput& row);

  Context& context_;
  JobNumbers& numbers_;
  Leases& leases_;
  Jobs& jobs_;
  Accounts& accounts_;
  Journal& journal_;
  KeptJobs& kept_;
  FairQueue& queue_;
  Pools& pools_;
  Returns& returns_;
  Decider& decider_;
  Blobs& blobs_;
  EdgeTable& edges_;
  Connecting& connecting_;
  Families& families_;
};

}  // namespace quern::broker
