// Why a submission is not accepted: it contradicts itself, or the broker has no room for it.
#pragma once

#include <optional>

#include "broker/core/access/quotas.hpp"
#include "broker/core/base/context.hpp"
#include "broker/core/blobs/blobs.hpp"
#include "broker/core/durability/commit_log.hpp"
#include "broker/core/jobs/accounts.hpp"
#include "broker/core/jobs/jobs.hpp"

namespace quern::broker {

class Refusals {
 public:
  Refusals(Context& context, CommitLog& commits, Quotas& quotas, Jobs& jobs, Accounts& accounts,
           Blobs& blobs)
      : context_(context),
        commits_(commits),
        quotas_(quotas),
        jobs_(jobs),
        accounts_(accounts),
        blobs_(blobs) {}

  /// Nothing if it is accepted. `principal` will own the job.
  std::optional<Refusal> of(const Session& session, const std::string& principal,
                            const wire::Submit& submit, Time now);
  /// The same for the job of a schedule, which is submitted later: how much room there is now, or
  /// is left of a quota, does not matter.
  std::optional<Refusal> of_schedule(const Session& session, const wire::Submit& submit);

 private:
  std::optional<Refusal> contradiction(const wire::Submit& submit) const;
  std::optional<Refusal> no_room(const Session& session, const wire::Submit& submit) const;

  Context& context_;
  CommitLog& commits_;
  Quotas& quotas_;
  Jobs& jobs_;
  Accounts& accounts_;
  Blobs& blobs_;
};

}  // namespace quern::broker
