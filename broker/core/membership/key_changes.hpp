// Keys that are added, removed or changed while their sessions are open.
#pragma once

#include "broker/core/access/access_control.hpp"
#include "broker/core/access/quotas.hpp"
#include "broker/core/base/context.hpp"
#include "broker/core/jobs/followers.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/membership/leaving.hpp"
#include "broker/core/scheduling/pools.hpp"
#include "broker/core/sessions/conduct.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/sessions/session.hpp"
#include "broker/core/workers/workers.hpp"

namespace quern::broker {

class KeyChanges {
 public:
  KeyChanges(Context& context, AccessControl& access, Quotas& quotas, Sessions& sessions,
             Outbox& outbox, Conduct& conduct, Workers& workers, Jobs& jobs, Followers& followers,
             Pools& pools, Leaving& leaving)
      : context_(context),
        access_(access),
        quotas_(quotas),
        sessions_(sessions),
        outbox_(outbox),
        conduct_(conduct),
        workers_(workers),
        jobs_(jobs),
        followers_(followers),
        pools_(pools),
        leaving_(leaving) {}

  /// Sets who may do what from now on; ends the sessions of peers that no longer may.
  void on_principals(Principals&& principals, bool invitations_open, Time now);
  /// The key of this peer may no longer connect from its address.
  void on_moved(PeerId peer, Time now);

 private:
  void end_unfit_sessions(Time now);
  /// Stops sessions from following jobs that their key may no longer see.
  void drop_followers();

  Context& context_;
  AccessControl& access_;
  Quotas& quotas_;
  Sessions& sessions_;
  Outbox& outbox_;
  Conduct& conduct_;
  Workers& workers_;
  Jobs& jobs_;
  Followers& followers_;
  Pools& pools_;
  Leaving& leaving_;
};

}  // namespace quern::broker
