// Cancels tasks and jobs: waiting tasks end at once, running ones are revoked.
#pragma once

#include "broker/core/base/context.hpp"
#include "broker/core/jobs/job_changes.hpp"
#include "broker/core/jobs/journal.hpp"
#include "broker/core/scheduling/returns.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/workers/leases.hpp"

namespace quern::broker {

class Cancelling {
 public:
  Cancelling(Context& context, Outbox& outbox, Leases& leases, Journal& journal,
             JobChanges& changes, Returns& returns)
      : context_(context),
        outbox_(outbox),
        leases_(leases),
        journal_(journal),
        changes_(changes),
        returns_(returns) {}

  /// Revokes all leases of the job.
  void revoke_leases(Job& job);
  /// Ends these tasks, unless they have already ended.
  void cancel_tasks(Job& job, const wire::Intervals& tasks);
  /// Tasks that no worker has started end, and so do those that are given back; the rest continues.
  void wind_down(Job& job);
  /// Ends the waiting tasks of a job that is winding down.
  void cancel_waiting(Job& job);

 private:
  Context& context_;
  Outbox& outbox_;
  Leases& leases_;
  Journal& journal_;
  JobChanges& changes_;
  Returns& returns_;
};

}  // namespace quern::broker
