// The tail of a job: no worker is idle while others hold more than they can finish in time. Tasks
// that have not been started are reclaimed, and overdue leases get a speculative attempt on another
// worker.
#pragma once

#include <optional>
#include <vector>

#include "broker/core/base/context.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/jobs/journal.hpp"
#include "broker/core/scheduling/attempts.hpp"
#include "broker/core/scheduling/fair_queue.hpp"
#include "broker/core/scheduling/fitness.hpp"
#include "broker/core/scheduling/grants.hpp"
#include "broker/core/scheduling/pools.hpp"
#include "broker/core/scheduling/returns.hpp"
#include "broker/core/scheduling/round.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/sessions/session.hpp"
#include "broker/core/workers/leases.hpp"
#include "broker/core/workers/workers.hpp"

namespace quern::broker {

class Tail {
 public:
  Tail(Context& context, Sessions& sessions, Outbox& outbox, Workers& workers, Leases& leases,
       Jobs& jobs, Journal& journal, FairQueue& queue, Round& round, Pools& pools, Fitness& fitness,
       Attempts& attempts, Returns& returns, Grants& grants)
      : context_(context),
        sessions_(sessions),
        outbox_(outbox),
        workers_(workers),
        leases_(leases),
        jobs_(jobs),
        journal_(journal),
        queue_(queue),
        round_(round),
        pools_(pools),
        fitness_(fitness),
        attempts_(attempts),
        returns_(returns),
        grants_(grants) {}

  /// Finds work for workers that have nothing to do.
  void rebalance(Time now);

 private:
  /// Work that a busy worker holds, as found by one examination of all leases.
  struct Movable {
    Lease* lease = nullptr;
    double ends_s = 0;  ///< from now
    double wait_s = 0;  ///< until it starts; 0: it is running
    double left = 0;    ///< tasks
    double rate = 0;    ///< tasks/s on its worker
    bool operator<(const Movable& other) const {
      return ends_s != other.ends_s ? ends_s < other.ends_s : other.lease->id < lease->id;
    }
  };
  struct Overdue {
    Lease* lease = nullptr;
    double late_s = 0;
    bool operator<(const Overdue& other) const {
      return late_s != other.late_s ? late_s > other.late_s : lease->id < other.lease->id;
    }
  };
  struct Survey {
    std::vector<Movable> longest;  ///< a heap of leases that can be reclaimed from; the one that
                                   ///< ends last is on top
    std::vector<Overdue> overdue;  ///< the most overdue first
    bool movable = false;          ///< there is work to reclaim, now or later
    std::optional<Time> next_overdue;
  };

  void occupy_idle(Time now);
  Survey look_at_all(const std::vector<Worker*>& idle, Time now);
  static Movable rest_of(Lease& lease, const Pool::Member* member, const Job& job, bool running,
                         Time now);
  void note_overdue(Lease& lease, const Worker& holder, const Job& job, Survey& survey,
                    Time now) const;
  static std::optional<Time> overdue_at(const Lease& lease, const Worker& holder, const Job& job);
  bool ask_back(const Worker& idle, Survey& survey, Time now);
  /// Starts a speculative attempt for the most overdue lease, on a worker that has nothing else to
  /// do.
  bool copy_overdue(Worker& idle, Survey& survey, Time now);
  /// Ends speculative attempts that cost more than they may, or that keep a slot from waiting work.
  void prune_copies(Time now);

  Context& context_;
  Sessions& sessions_;
  Outbox& outbox_;
  Workers& workers_;
  Leases& leases_;
  Jobs& jobs_;
  Journal& journal_;
  FairQueue& queue_;
  Round& round_;
  Pools& pools_;
  Fitness& fitness_;
  Attempts& attempts_;
  Returns& returns_;
  Grants& grants_;
  std::optional<Time> next_rebalance_;  ///< only with many leases
};

}  // namespace quern::broker
