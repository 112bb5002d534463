// SUBMIT of a worker: a task submits a job on behalf of the owner of its own job.
#pragma once

#include <optional>

#include "broker/core/access/access_control.hpp"
#include "broker/core/clients/submissions.hpp"
#include "broker/core/jobs/families.hpp"
#include "broker/core/jobs/followers.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/sessions/conduct.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/workers/leases.hpp"

namespace quern::broker {

class NestedSubmissions {
 public:
  NestedSubmissions(AccessControl& access, Outbox& outbox, Conduct& conduct, Leases& leases,
                    Jobs& jobs, Families& families, Followers& followers, Submissions& submissions)
      : access_(access),
        outbox_(outbox),
        conduct_(conduct),
        leases_(leases),
        jobs_(jobs),
        families_(families),
        followers_(followers),
        submissions_(submissions) {}

  void on_submit(Session& session, wire::Submit&& submit, Time now);

 private:
  /// Why the task may not submit this; nothing if it may.
  std::optional<Refusal> objection(const Session& session, const wire::Submit& submit,
                                   const Lease* lease) const;
  std::optional<Refusal> objection(const Job& parent, const wire::Submit& submit) const;
  void refuse(Session& session, const wire::Submit& submit, const Refusal& refusal);
  /// The worker sends SUBMIT again, because it did not get the answer, or has a new session.
  void resume(Session& session, Job& child, const wire::Submit& submit, Time now);

  AccessControl& access_;
  Outbox& outbox_;
  Conduct& conduct_;
  Leases& leases_;
  Jobs& jobs_;
  Families& families_;
  Followers& followers_;
  Submissions& submissions_;
};

}  // namespace quern::broker
