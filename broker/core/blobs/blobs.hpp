// All blobs together: which one a job or a worker means, who gets a chunk, and which are forgotten.
// What holds for one of them is in jobs/blob.hpp.
//
// Owns who waits for a chunk. take_idle() names blobs that are no longer needed; the caller forgets
// them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/core/access/principal.hpp"
#include "broker/core/base/context.hpp"
#include "broker/core/jobs/accounts.hpp"
#include "broker/core/jobs/eviction.hpp"
#include "broker/core/jobs/followers.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/sessions/session.hpp"
#include "broker/core/workers/workers.hpp"

namespace quern::broker {

class Blobs {
 public:
  Blobs(Context& context, Sessions& sessions, Outbox& outbox, Workers& workers, Jobs& jobs,
        Accounts& accounts, Eviction& eviction, Followers& followers)
      : context_(context),
        sessions_(sessions),
        outbox_(outbox),
        workers_(workers),
        jobs_(jobs),
        accounts_(accounts),
        eviction_(eviction),
        followers_(followers) {}

  /// Why a submission of a blob, or of a job that needs blobs, is not accepted.
  std::optional<Refusal> refusal(const Session& session, const wire::Submit& submit);
  /// Whether the job is a blob that is not complete and will not become complete.
  bool is_given_up(const Job& job, Time now) const;
  /// How the job, which is a blob, ends if it is complete or does not fit; nothing if its upload
  /// continues.
  std::optional<Ending> ending_of(const Job& job, Time now);

  /// The job needs its blobs from now on, or no longer needs them.
  void hold(Job& job);
  void release(Job& job);

  /// These files of a principal will be needed: they are not idle now.
  void want(const std::string& principal, const std::vector<std::string>& names, Time now);

  /// The file that a FETCH of a client of this principal means: its own, or, for admin, that of
  /// anybody.
  Job* readable(const Principal& principal, const wire::Fetch& fetch);

  /// A worker requests a chunk.
  void on_fetch(Session& session, wire::Fetch&& fetch, Time now);
  /// A client requests a chunk.
  void on_read(Session& session, const Principal& principal, wire::Fetch&& fetch, Time now);
  /// Answers those whose chunks are now in memory.
  void answer_fetches(Time now);
  /// Blobs that nobody has needed for so long that they should be forgotten; usually none.
  std::vector<JobNumber> take_idle(Time now);

 private:
  /// A chunk of a blob that a worker or a client has requested.
  struct Fetching {
    wire::SessionId session{};
    JobNumber blob{};
    wire::Fetch what;
  };
  Job* find(const std::string& principal, const std::string& name, bool memory);
  std::size_t waiting_of(const Session& session) const;
  bool answer(const Fetching& fetch, Time now);
  void refuse(const Session& session, const wire::Fetch& fetch, ErrorCode code,
              const std::string& why);
  /// Whether nobody has needed the blob for long enough that no job for it is on its way.
  bool is_idle(const Job& job, Time now) const;
  /// How an upload ends for which there is no room.
  std::optional<Ending> no_room(const Job& job, Time now);

  Context& context_;
  Sessions& sessions_;
  Outbox& outbox_;
  Workers& workers_;
  Jobs& jobs_;
  Accounts& accounts_;
  Eviction& eviction_;
  Followers& followers_;
  std::vector<Fetching> fetching_;
  std::optional<Time> next_sweep_;
};

}  // namespace quern::broker
