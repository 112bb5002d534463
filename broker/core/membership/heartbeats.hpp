// Heartbeats, with which peers show that they are alive, and gaps in which they could not.
#pragma once

#include "broker/core/base/context.hpp"
#include "broker/core/jobs/followers.hpp"
#include "broker/core/scheduling/pools.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/sessions/session.hpp"
#include "broker/core/workers/workers.hpp"

namespace quern::broker {

class Heartbeats {
 public:
  Heartbeats(Context& context, Sessions& sessions, Outbox& outbox, Workers& workers,
             Followers& followers, Pools& pools)
      : context_(context),
        sessions_(sessions),
        outbox_(outbox),
        workers_(workers),
        followers_(followers),
        pools_(pools) {}

  void on_heartbeat(Session& session, const wire::Beat& beat);
  /// The broker itself did not run for this long, so silence during that time does not count.
  void on_gap(wire::Duration gap);

 private:
  Context& context_;
  Sessions& sessions_;
  Outbox& outbox_;
  Workers& workers_;
  Followers& followers_;
  Pools& pools_;
};

}  // namespace quern::broker
