// Tasks and jobs that are cancelled: what waits ends at once, what runs is revoked.
#pragma once

#include "broker/core/jobs/journal.hpp"
#include "broker/core/scheduling/returns.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/workers/leases.hpp"

namespace quern::broker {

class Cancelling {
 public:
  Cancelling(Outbox& outbox, Leases& leases, Journal& journal, Returns& returns)
      : outbox_(outbox), leases_(leases), journal_(journal), returns_(returns) {}

  /// Takes all its leases from their workers.
  void revoke_leases(Job& job);
  /// These tasks end, unless they have ended.
  void cancel_tasks(Job& job, const wire::Intervals& tasks);
  /// What no worker has begun ends, and what comes back ends too; the rest goes on.
  void wind_down(Job& job);
  /// Ends what waits of a job that winds down.
  void cancel_waiting(Job& job);

 private:
  Outbox& outbox_;
  Leases& leases_;
  Journal& journal_;
  Returns& returns_;
};

}  // namespace quern::broker
