// DRAIN: a client asks a worker to finish what it has and to leave.
#pragma once

#include "broker/core/scheduling/pools.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/workers/workers.hpp"

namespace quern::broker {

class DrainRequests {
 public:
  DrainRequests(Outbox& outbox, Workers& workers, Pools& pools)
      : outbox_(outbox), workers_(workers), pools_(pools) {}

  void on_drain(Session& session, const wire::Drain& drain);

 private:
  Outbox& outbox_;
  Workers& workers_;
  Pools& pools_;
};

}  // namespace quern::broker
