// Blobs: files that clients upload once and workers fetch. Each blob is a job that is kept instead
// of run (wire/blob.hpp), so its intake, credit, durability and quota are those of jobs.
//
// Owns who waits for a chunk, and which blobs the jobs hold. take_idle() names blobs that are no
// longer needed; the caller forgets them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/core/base/context.hpp"
#include "broker/core/jobs/accounts.hpp"
#include "broker/core/jobs/eviction.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/sessions/session.hpp"
#include "broker/core/workers/workers.hpp"

namespace quern::broker {

/// How a job ends.
struct Ending {
  JobState state = JobState::done;
  ErrorCode code = ErrorCode::none;
  std::string reason;
};

class Blobs {
 public:
  Blobs(Context& context, Sessions& sessions, Outbox& outbox, Workers& workers, Jobs& jobs,
        Accounts& accounts, Eviction& eviction)
      : context_(context),
        sessions_(sessions),
        outbox_(outbox),
        workers_(workers),
        jobs_(jobs),
        accounts_(accounts),
        eviction_(eviction) {}

  /// Why a submission of a blob, or of a job that needs blobs, is not accepted.
  std::optional<Refusal> refusal(const Session& session, const wire::Submit& submit);
  /// Whether these chunks may follow those that have arrived.
  static bool chunks_fit(const Job& blob, const wire::Batch& more);
  /// Whether a blob that is submitted again is complete or can still become complete.
  bool worth_following(const Job& blob, Time now) const;
  /// How a blob ends that is complete or does not fit; nothing if it continues.
  std::optional<Ending> ending_of(const Job& blob, Time now);

  /// The job needs its blobs from now on, or no longer needs them.
  void hold(Job& job);
  void release(Job& job);

  void on_fetch(Session& session, wire::Fetch&& fetch, Time now);
  /// Answers the workers whose chunks are now in memory.
  void answer_fetches(Time now);
  /// Blobs that nobody has needed for so long that they should be forgotten; usually none.
  std::vector<JobNumber> take_idle(Time now);

 private:
  /// A chunk of a blob that a worker has requested.
  struct Fetching {
    wire::SessionId worker{};
    JobNumber blob{};
    wire::Fetch what;
  };
  Job* find(const std::string& principal, const std::string& name, bool memory);
  bool answer(const Fetching& fetch, Time now);

  Context& context_;
  Sessions& sessions_;
  Outbox& outbox_;
  Workers& workers_;
  Jobs& jobs_;
  Accounts& accounts_;
  Eviction& eviction_;
  std::vector<Fetching> fetching_;
  std::optional<Time> next_sweep_;
};

}  // namespace quern::broker
