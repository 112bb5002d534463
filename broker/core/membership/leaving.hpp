// How sessions end (BYE, silence, a violation, a new session of the same peer), and what happens to
// what they held.
#pragma once

#include <utility>
#include <vector>

#include "broker/core/base/context.hpp"
#include "broker/core/jobs/eviction.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/jobs/kept_jobs.hpp"
#include "broker/core/scheduling/plan_book.hpp"
#include "broker/core/scheduling/pools.hpp"
#include "broker/core/scheduling/returns.hpp"
#include "broker/core/sessions/conduct.hpp"
#include "broker/core/sessions/session.hpp"
#include "broker/core/workers/leases.hpp"
#include "broker/core/workers/workers.hpp"

namespace quern::broker {

class Leaving {
 public:
  Leaving(Context& context, Sessions& sessions, Conduct& conduct, Workers& workers, Leases& leases,
          Jobs& jobs, Eviction& eviction, KeptJobs& kept, PlanBook& plans, Pools& pools,
          Returns& returns)
      : context_(context),
        sessions_(sessions),
        conduct_(conduct),
        workers_(workers),
        leases_(leases),
        jobs_(jobs),
        eviction_(eviction),
        kept_(kept),
        plans_(plans),
        pools_(pools),
        returns_(returns) {}

  void on_bye(Session& session, const wire::Bye& bye, Time now);
  /// Invalidates the session, and its worker if it has one.
  void end_session(wire::SessionId id, Time now);
  /// Ends the sessions that Conduct wants to end after the current message.
  void end_offenders(Time now);
  /// The peer's connection is gone; it may come back with a new session.
  void on_unreachable(PeerId peer);
  /// Does the same, and this message was not sent.
  void on_undelivered(PeerId peer, const wire::Message& message);
  void out_of_reach(Session& session);
  /// Peers whose session has ended since the last call.
  std::vector<PeerId> take_without_session() { return std::exchange(without_session_, {}); }

 private:
  Context& context_;
  Sessions& sessions_;
  Conduct& conduct_;
  Workers& workers_;
  Leases& leases_;
  Jobs& jobs_;
  Eviction& eviction_;
  KeptJobs& kept_;
  PlanBook& plans_;
  Pools& pools_;
  Returns& returns_;
  std::vector<PeerId> without_session_;
};

}  // namespace quern::broker
