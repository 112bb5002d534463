// Periodic work: silent peers are lost, jobs without a client end, credit and progress are updated,
// and what nobody needs any more is forgotten.
//
// Owns when this is done next, and which part of the jobs is next.
#pragma once

#include <optional>

#include "broker/core/base/context.hpp"
#include "broker/core/blobs/blobs.hpp"
#include "broker/core/edges/edge_table.hpp"
#include "broker/core/endings/endings.hpp"
#include "broker/core/endings/forgetting.hpp"
#include "broker/core/jobs/accounts.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/membership/leaving.hpp"
#include "broker/core/scheduling/returns.hpp"
#include "broker/core/sessions/session.hpp"
#include "broker/core/workers/workers.hpp"

namespace quern::broker {

class Upkeep {
 public:
  Upkeep(Context& context, Sessions& sessions, Workers& workers, Jobs& jobs, Accounts& accounts,
         Blobs& blobs, EdgeTable& edges, Returns& returns, Endings& endings, Forgetting& forgetting,
         Leaving& leaving)
      : context_(context),
        sessions_(sessions),
        workers_(workers),
        jobs_(jobs),
        accounts_(accounts),
        blobs_(blobs),
        edges_(edges),
        returns_(returns),
        endings_(endings),
        forgetting_(forgetting),
        leaving_(leaving) {}

  void sweep(Time now);
  std::optional<Time> next_sweep() const;
  /// A job has been recovered: the first sweep is due.
  void start(Time now) {
    if (!next_sweep_) next_sweep_ = now;
  }
  bool is_due(Time now) const {
    const auto next = next_sweep();
    return !next || now >= *next;
  }

 private:
  /// Ends the jobs whose deadline has come.
  void end_due(Time now);
  void end_silent(Time now);
  void lose(Worker& worker, const Session& session, Time now);
  /// Examines some of the live jobs.
  void sweep_jobs(Time now);

  Context& context_;
  Sessions& sessions_;
  Workers& workers_;
  Jobs& jobs_;
  Accounts& accounts_;
  Blobs& blobs_;
  EdgeTable& edges_;
  Returns& returns_;
  Endings& endings_;
  Forgetting& forgetting_;
  Leaving& leaving_;
  JobNumber swept_{};  ///< the last live job that was examined
  std::optional<Time> next_sweep_;
};

}  // namespace quern::broker
