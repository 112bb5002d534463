// How a lease ends and what happens to its tasks: they become pending again, back off, wait for a
// worker from before a restart, or have ended.
//
// Owns the times at which failed and unsure tasks become pending again.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "broker/core/base/context.hpp"
#include "broker/core/jobs/job_changes.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/jobs/journal.hpp"
#include "broker/core/scheduling/attempts.hpp"
#include "broker/core/scheduling/fair_queue.hpp"
#include "broker/core/scheduling/fitness.hpp"
#include "broker/core/scheduling/plan_book.hpp"
#include "broker/core/scheduling/pools.hpp"
#include "broker/core/sessions/outbox.hpp"
#include "broker/core/workers/leases.hpp"

namespace quern::broker {

/// How a lease was lost: its worker never received it; the worker may have started it; or it was
/// running there, so it may be to blame for the loss.
enum class Loss : std::uint8_t { never_arrived, perhaps_started, while_running };

class Returns {
 public:
  Returns(Context& context, Outbox& outbox, Leases& leases, Jobs& jobs, JobChanges& changes,
          Journal& journal, FairQueue& queue, PlanBook& plans, Pools& pools, Fitness& fitness,
          Attempts& attempts)
      : context_(context),
        outbox_(outbox),
        leases_(leases),
        jobs_(jobs),
        changes_(changes),
        journal_(journal),
        queue_(queue),
        plans_(plans),
        pools_(pools),
        fitness_(fitness),
        attempts_(attempts) {}

  /// Removes a lease whose tasks the caller has dealt with. Invalidates `lease`. `outcome`: what
  /// the timeline shows.
  void close(Lease& lease, const char* outcome = "done");
  /// The worker will not report this lease. Its tasks become pending again, or end.
  void lose(wire::LeaseId id, Loss loss);
  void lose_all(Worker& worker, bool lost);
  /// The worker left without having started any of its leases.
  void give_back_all(Worker& worker, Time now);
  /// These tasks were not run under this lease; they are no longer in its `open` set.
  void give_back(Job& job, const Lease& lease, wire::Interval tasks, Time now);
  /// The other of the two attempts has lost. The tasks stay with `winner`.
  void drop_other(Lease& winner, Time now);

  /// Tasks run, or will run, once more.
  void count_retries(Job& job, std::uint64_t tasks);
  /// These tasks are done or cancelled.
  void end_tasks(Job& job, wire::Interval tasks);
  /// These tasks failed for good.
  void end_failed(Job& job, wire::Interval tasks);
  /// These tasks failed under this lease. Those that are not tried again are added to
  /// `final_errors`.
  void fail_tasks(Job& job, const Lease& lease, const std::vector<TaskError>& errors,
                  std::vector<TaskError>& final_errors, Time now);

  /// Makes failed tasks pending again when their back-off is over.
  void release_backing_off(Time now);
  /// Ends the wait for workers to name the leases that they have held since before the restart.
  void release_unsure(Time now);
  /// The broker was restarted: workers may name such leases until `end`.
  void set_recovery_end(Time end) { recovered_until_ = end; }
  /// Some tasks of a recovered job may be held by workers.
  void expect_holders(const Job& job) { unsure_.emplace(recovered_until_, job.number); }
  /// Whether tasks that this lease gives back may also be in another lease from before the restart,
  /// whose worker has not come back yet.
  bool may_be_elsewhere(const Lease& lease, Time now) const;
  std::optional<Time> next_deadline() const;

 private:
  void give_back(Job& job, wire::Interval tasks);
  void set_unsure(Job& job, wire::Interval tasks);
  /// Ends tasks that may have been started once, of a job that allows only one start.
  void end_lost(Job& job, wire::Interval tasks, std::vector<TaskError>& errors);

  Context& context_;
  Outbox& outbox_;
  Leases& leases_;
  Jobs& jobs_;
  JobChanges& changes_;
  Journal& journal_;
  FairQueue& queue_;
  PlanBook& plans_;
  Pools& pools_;
  Fitness& fitness_;
  Attempts& attempts_;
  std::multimap<Time, JobNumber> backing_off_;  ///< when failed tasks of a job may run again
  std::multimap<Time, JobNumber> unsure_;       ///< when its unsure tasks become pending again
  Time recovered_until_{};
};

}  // namespace quern::broker
