// SUBMIT: creates a job, or finds one that already exists.
#pragma once

#include <variant>

#include "broker/core/access/quotas.hpp"
#include "broker/core/base/context.hpp"
#include "broker/core/blobs/blobs.hpp"
#include "broker/core/clients/delivery.hpp"
#include "broker/core/clients/intake.hpp"
#include "broker/core/clients/job_factory.hpp"
#include "broker/core/clients/refusals.hpp"
#include "broker/core/endings/endings.hpp"
#include "broker/core/endings/forgetting.hpp"
#include "broker/core/jobs/accounts.hpp"
#include "broker/core/jobs/followers.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/scheduling/decider.hpp"
#include "broker/core/sessions/conduct.hpp"
#include "broker/core/sessions/outbox.hpp"

namespace quern::broker {

class Submissions {
 public:
  Submissions(Context& context, Outbox& outbox, Conduct& conduct, Quotas& quotas, Jobs& jobs,
              Accounts& accounts, Followers& followers, Decider& decider, Blobs& blobs,
              Endings& endings, Forgetting& forgetting, Delivery& delivery, Intake& intake,
              Refusals& refusals, JobFactory& factory)
      : context_(context),
        outbox_(outbox),
        conduct_(conduct),
        quotas_(quotas),
        jobs_(jobs),
        accounts_(accounts),
        followers_(followers),
        decider_(decider),
        blobs_(blobs),
        endings_(endings),
        forgetting_(forgetting),
        delivery_(delivery),
        intake_(intake),
        refusals_(refusals),
        factory_(factory) {}

  /// Creates the job, or tells why it is not accepted. `session` need not be one that is open.
  /// Nobody is told.
  std::variant<Job*, Refusal> create(const Session& session, const Submitter& owner,
                                     wire::Submit&& submit, Time now);
  /// The same, and tells the session.
  void accept(Session& session, const Submitter& owner, wire::Submit&& submit, Time now);
  void on_submit(Session& session, const Principal& principal, wire::Submit&& submit, Time now);
  /// The session sent the SUBMIT of this job again.
  void follow_again(Session& session, Job& known, const wire::Submit& submit);

 private:
  /// Answers with the existing job of the same principal and idempotency key.
  void answer_same(Session& session, Job& same, const wire::Submit& submit);
  void drop_blob(Job& blob, Time now);

  Context& context_;
  Outbox& outbox_;
  Conduct& conduct_;
  Quotas& quotas_;
  Jobs& jobs_;
  Accounts& accounts_;
  Followers& followers_;
  Decider& decider_;
  Blobs& blobs_;
  Endings& endings_;
  Forgetting& forgetting_;
  Delivery& delivery_;
  Intake& intake_;
  Refusals& refusals_;
  JobFactory& factory_;
};

}  // namespace quern::broker
