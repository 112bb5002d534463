// Handles what workers answer: results, errors, and tasks that they give back.
//
// A result is accepted once: the first report of a task counts; later ones are acknowledged and
// dropped.
#pragma once

#include "broker/core/access/access_control.hpp"
#include "broker/core/base/context.hpp"
#include "broker/core/durability/commit_log.hpp"
#include "broker/core/jobs/job_changes.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/jobs/journal.hpp"
#include "broker/core/scheduling/attempts.hpp"
#include "broker/core/scheduling/costs.hpp"
#include "broker/core/scheduling/fair_queue.hpp"
#include "broker/core/scheduling/fitness.hpp"
#include "broker/core/scheduling/returns.hpp"
#include "broker/core/sessions/conduct.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/workers/leases.hpp"

namespace quern::broker {

class Reports {
 public:
  Reports(Context& context, CommitLog& commits, AccessControl& access, Outbox& outbox,
          Conduct& conduct, Leases& leases, Jobs& jobs, JobChanges& changes, Journal& journal,
          FairQueue& queue, Fitness& fitness, Attempts& attempts, Returns& returns, Costs& costs)
      : context_(context),
        commits_(commits),
        access_(access),
        outbox_(outbox),
        conduct_(conduct),
        leases_(leases),
        jobs_(jobs),
        changes_(changes),
        journal_(journal),
        queue_(queue),
        fitness_(fitness),
        attempts_(attempts),
        returns_(returns),
        costs_(costs) {}

  void on_report(Session& session, wire::Report&& report, Time now);
  void on_reclaimed(Session& session, const wire::Reclaimed& reclaimed, Time now);

 private:
  /// Whether the report names only tasks and parts that belong to its lease.
  bool is_honest(const Lease& lease, const wire::Report& report) const;
  void accept_results(Job& job, Worker& worker, wire::Report& report);
  void accept_merge(Job& job, Lease& lease, wire::Report& report);
  void accept_tasks(Job& job, Worker& worker, Lease& lease, wire::Report&& report, Time now);
  double believable_s(Worker& worker, const Lease& lease, const wire::Report& report, Time now);
  static double work_of(const Job& job, const wire::Report& report);
  void learn(Worker& worker, Job& job, const Lease& lease, const wire::Report& report, Time now);

  Context& context_;
  CommitLog& commits_;
  AccessControl& access_;
  Outbox& outbox_;
  Conduct& conduct_;
  Leases& leases_;
  Jobs& jobs_;
  JobChanges& changes_;
  Journal& journal_;
  FairQueue& queue_;
  Fitness& fitness_;
  Attempts& attempts_;
  Returns& returns_;
  Costs& costs_;
};

}  // namespace quern::broker
