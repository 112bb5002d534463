// Handles the answers of the store: commits that are done, payloads and results that were read, and
// trouble.
#pragma once

#include <cstdint>
#include <string>

#include "broker/core/base/context.hpp"
#include "broker/core/clients/requests.hpp"
#include "broker/core/durability/commit_log.hpp"
#include "broker/core/endings/endings.hpp"
#include "broker/core/endings/forgetting.hpp"
#include "broker/core/jobs/accounts.hpp"
#include "broker/core/jobs/eviction.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/scheduling/decider.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/sessions/session.hpp"

namespace quern::broker {

class StoreReplies {
 public:
  StoreReplies(Context& context, CommitLog& commits, Sessions& sessions, Outbox& outbox, Jobs& jobs,
               Accounts& accounts, Eviction& eviction, Decider& decider, Endings& endings,
               Forgetting& forgetting, Requests& requests)
      : context_(context),
        commits_(commits),
        sessions_(sessions),
        outbox_(outbox),
        jobs_(jobs),
        accounts_(accounts),
        eviction_(eviction),
        decider_(decider),
        endings_(endings),
        forgetting_(forgetting),
        requests_(requests) {}

  void on_committed(std::uint64_t commit, Time now);
  void on_loaded(JobNumber job, wire::Interval tasks, wire::Batch batch);
  void on_load_failed(JobNumber job, wire::Interval tasks, const std::string& why);
  void on_result_loaded(JobNumber job, std::uint64_t seq, wire::Batch batch);
  void on_result_load_failed(JobNumber job, std::uint64_t seq, const std::string& why);
  /// The store cannot write (it keeps trying): new durable work is refused, the rest continues.
  void on_store_trouble(const std::string& why, Time now);
  void on_store_healthy();

 private:
  Context& context_;
  CommitLog& commits_;
  Sessions& sessions_;
  Outbox& outbox_;
  Jobs& jobs_;
  Accounts& accounts_;
  Eviction& eviction_;
  Decider& decider_;
  Endings& endings_;
  Forgetting& forgetting_;
  Requests& requests_;
};

}  // namespace quern::broker
