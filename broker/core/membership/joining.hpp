// HELLO: a peer joins, or comes back, and names what it holds.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "broker/core/access/access_control.hpp"
#include "broker/core/base/context.hpp"
#include "broker/core/durability/commit_log.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/membership/leaving.hpp"
#include "broker/core/membership/recovery.hpp"
#include "broker/core/scheduling/fitness.hpp"
#include "broker/core/scheduling/pools.hpp"
#include "broker/core/scheduling/returns.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/sessions/session.hpp"
#include "broker/core/workers/leases.hpp"
#include "broker/core/workers/workers.hpp"

namespace quern::broker {

class Joining {
 public:
  Joining(Context& context, CommitLog& commits, AccessControl& access, Sessions& sessions,
          Outbox& outbox, Workers& workers, Leases& leases, Jobs& jobs, Pools& pools,
          Fitness& fitness, Returns& returns, Recovery& recovery, Leaving& leaving)
      : context_(context),
        commits_(commits),
        access_(access),
        sessions_(sessions),
        outbox_(outbox),
        workers_(workers),
        leases_(leases),
        jobs_(jobs),
        pools_(pools),
        fitness_(fitness),
        returns_(returns),
        recovery_(recovery),
        leaving_(leaving) {}

  void on_hello(PeerId peer, const std::string& user, const Principal& principal,
                wire::Hello&& hello, Time now);

 private:
  /// What a worker inherits from its previous session.
  struct Inheritance {
    std::set<wire::LeaseId> leases;
    FunctionRecords records;
  };

  std::optional<Refusal> refusal(PeerId peer, const Principal& principal, const wire::Hello& hello);
  Inheritance inherit(const Session& before);
  Session& open(PeerId peer, const std::string& user, const Principal& principal,
                const wire::Hello& hello, Time now);
  void welcome_worker(Session& session, const Principal& principal, wire::Hello& hello,
                      Inheritance&& inheritance, wire::Welcome& welcome, Time now);
  void keep_leases(Session& session, Worker& worker, std::set<wire::LeaseId>&& inherited,
                   wire::Welcome& welcome, Time now);
  void welcome_client(const Principal& principal, const wire::Hello& hello, wire::Welcome& welcome);

  Context& context_;
  CommitLog& commits_;
  AccessControl& access_;
  Sessions& sessions_;
  Outbox& outbox_;
  Workers& workers_;
  Leases& leases_;
  Jobs& jobs_;
  Pools& pools_;
  Fitness& fitness_;
  Returns& returns_;
  Recovery& recovery_;
  Leaving& leaving_;
};

}  // namespace quern::broker
