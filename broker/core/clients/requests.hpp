// Requests of clients about existing jobs: follow, acknowledge, cancel, retry; and draining a
// worker.
#pragma once

#include "broker/core/access/quotas.hpp"
#include "broker/core/base/context.hpp"
#include "broker/core/clients/delivery.hpp"
#include "broker/core/edges/edge_table.hpp"
#include "broker/core/edges/reviving.hpp"
#include "broker/core/endings/cancelling.hpp"
#include "broker/core/endings/endings.hpp"
#include "broker/core/endings/pausing.hpp"
#include "broker/core/jobs/accounts.hpp"
#include "broker/core/jobs/followers.hpp"
#include "broker/core/jobs/job_changes.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/sessions/session.hpp"
#include "broker/core/status/statuses.hpp"

namespace quern::broker {

class Requests {
 public:
  Requests(Context& context, Sessions& sessions, Outbox& outbox, Quotas& quotas, Jobs& jobs,
           Accounts& accounts, JobChanges& changes, Followers& followers, Endings& endings,
           Cancelling& cancelling, Pausing& pausing, EdgeTable& table, Reviving& reviving,
           Statuses& statuses, Delivery& delivery)
      : context_(context),
        sessions_(sessions),
        outbox_(outbox),
        quotas_(quotas),
        jobs_(jobs),
        accounts_(accounts),
        changes_(changes),
        followers_(followers),
        endings_(endings),
        cancelling_(cancelling),
        pausing_(pausing),
        table_(table),
        reviving_(reviving),
        statuses_(statuses),
        delivery_(delivery) {}

  void on_attach(Session& session, const wire::Attach& attach, Time now);
  void on_ack(Session& session, const wire::Ack& ack);
  void on_cancel(Session& session, const wire::Cancel& cancel, Time now);
  void on_retry(Session& session, const wire::Retry& retry, Time now);
  void on_pause(Session& session, const wire::Pause& pause, Time now);
  /// Answers the ATTACHes that waited for the complete input of a job, if it is complete or never
  /// will be.
  void answer_comparisons(Job& job, Time now);

 private:
  /// Keeps an ATTACH to be answered when the input of the job is complete.
  static void await_comparison(Job& job, Comparison comparison);
  /// Cancels all jobs that depend on this one. Returns how many tasks that concerns.
  std::uint64_t cancel_dependants(const Job& job, bool dry_run, Time now);
  /// How many tasks this request cancels.
  static std::uint64_t concerned(const Job& job, const wire::Cancel& cancel);
  /// Answers with the state of the job and the number of tasks that the request concerns.
  void answer(const Session& session, const Job& job, std::uint64_t token, std::uint64_t touched,
              Time now);
  /// The job that a request is about; nullptr if there is none, and then the client has been told.
  Job* find(const Session& session, Uuid uuid, JobNumber number, std::uint64_t token);

  Context& context_;
  Sessions& sessions_;
  Outbox& outbox_;
  Quotas& quotas_;
  Jobs& jobs_;
  Accounts& accounts_;
  JobChanges& changes_;
  Followers& followers_;
  Endings& endings_;
  Cancelling& cancelling_;
  Pausing& pausing_;
  EdgeTable& table_;
  Reviving& reviving_;
  Statuses& statuses_;
  Delivery& delivery_;
};

}  // namespace quern::broker
