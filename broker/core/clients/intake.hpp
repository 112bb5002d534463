// Takes in the input of jobs as it arrives.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/core/access/quotas.hpp"
#include "broker/core/base/context.hpp"
#include "broker/core/endings/endings.hpp"
#include "broker/core/jobs/accounts.hpp"
#include "broker/core/jobs/job_changes.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/jobs/journal.hpp"
#include "broker/core/scheduling/costs.hpp"
#include "broker/core/scheduling/decider.hpp"
#include "broker/core/scheduling/plan_book.hpp"
#include "broker/core/scheduling/pools.hpp"
#include "broker/core/sessions/conduct.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/status/statuses.hpp"

namespace quern::broker {

class Intake {
 public:
  Intake(Context& context, Outbox& outbox, Conduct& conduct, Quotas& quotas, Jobs& jobs,
         Accounts& accounts, Journal& journal, JobChanges& changes, PlanBook& plans, Pools& pools,
         Costs& costs, Decider& decider, Endings& endings, Statuses& statuses)
      : context_(context),
        outbox_(outbox),
        conduct_(conduct),
        quotas_(quotas),
        jobs_(jobs),
        accounts_(accounts),
        journal_(journal),
        changes_(changes),
        plans_(plans),
        pools_(pools),
        costs_(costs),
        decider_(decider),
        endings_(endings),
        statuses_(statuses) {}

  void on_append(Session& session, wire::Append&& append, Time now);
  /// Adds payloads to a job. `costs`: one hint per payload, or none.
  void take_in(Job& job, wire::Batch&& batch, const std::vector<float>& costs);

 private:
  /// APPEND without a token: part of a stream.
  void on_stream(Session& session, Job& job, wire::Append&& append, Time now);
  /// APPEND with a token: a batch that is accepted as a whole or refused.
  void on_batch(Session& session, Job& job, wire::Append&& append, Time now);
  /// Why a batch is not accepted; nothing if it is.
  std::optional<Refusal> objection(const Job& job, const wire::Append& append, Time now);
  void close(Job& job);
  void take_costs(Job& job, std::uint64_t count, const std::vector<float>& costs);
  /// Takes in the new part of an APPEND. Returns whether it was accepted.
  bool take_new(Session& session, Job& job, wire::Append&& append, Time now);

  Context& context_;
  Outbox& outbox_;
  Conduct& conduct_;
  Quotas& quotas_;
  Jobs& jobs_;
  Accounts& accounts_;
  Journal& journal_;
  JobChanges& changes_;
  PlanBook& plans_;
  Pools& pools_;
  Costs& costs_;
  Decider& decider_;
  Endings& endings_;
  Statuses& statuses_;
};

}  // namespace quern::broker
