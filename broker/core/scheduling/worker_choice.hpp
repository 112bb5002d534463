// Which worker gets the next lease of a job. If the job has plenty of tasks: any worker with room
// that is not far better at something else. If the choice matters: the worker with the earliest
// completion, min over workers of (ready_j + T_i / R_j).
//
// Owns what it knows about the workers of the job that it examined last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "broker/core/base/context.hpp"
#include "broker/core/scheduling/fitness.hpp"
#include "broker/core/scheduling/placement.hpp"
#include "broker/core/scheduling/pools.hpp"
#include "broker/core/scheduling/round.hpp"

namespace quern::broker {

class WorkerChoice {
 public:
  WorkerChoice(Context& context, Round& round, Pools& pools, Fitness& fitness)
      : context_(context), round_(round), pools_(pools), fitness_(fitness) {}

  /// The worker for one lease of this job; nullptr: none now. `choosy`: workers leave the job to
  /// others if they are better at something else that waits.
  const Pool::Member* choose(const Job& job, bool choosy, Time now);
  /// Another job got a lease: what is known about the workers is no longer valid.
  void forget() { placing_ = nullptr; }
  /// Does the same unless this job is the one that was examined.
  void forget_unless(const Job* job) {
    if (placing_ != job) forget();
  }
  /// The last examination was cut short: it may be repeated at once.
  void look_again();

 private:
  /// A job that must not be queued gets the next free slot of some worker: that worker's queue
  /// takes no more leases for now. Otherwise other jobs would keep the queues of all workers full
  /// for ever.
  void reserve_one(const Pool& pool);
  static std::uint64_t waiting_beside(const Job& job, Time now);
  const Pool::Member* any_with_room(const Job& job, bool choosy);
  const Pool::Member* any_idle(const Job& job) const;
  const Pool::Member* best_for(const Job& job, bool choosy, Time now);

  Context& context_;
  Round& round_;
  Pools& pools_;
  Fitness& fitness_;
  Placer placer_;                      ///< of best_for()
  const Job* placing_ = nullptr;       ///< the job whose workers it knows
  std::optional<std::size_t> placed_;  ///< the worker that got the last lease of this job
};

}  // namespace quern::broker
