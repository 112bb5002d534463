// Which worker gets the next lease of a job. Of a job with plenty of tasks any worker with room
// that is not far better at something else; when the choice matters, the one with the earliest
// completion: min over workers of (ready_j + T_i / R_j).
//
// It owns what it knows of the workers of the job that was looked at last.
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

  /// The worker for one lease of this job; nullptr: none now. `choosy`: workers leave it to others
  /// if they are better at something else that waits.
  const Pool::Member* choose(const Job& job, bool choosy, Time now);
  /// Somebody else got something: what is known of the workers does not hold any more.
  void forget() { placing_ = nullptr; }
  /// The same unless this job is the one that it was about.
  void forget_unless(const Job* job) {
    if (placing_ != job) forget();
  }
  /// The job that was looked at last was cut short: it goes on at once.
  void look_again();

 private:
  /// A job that must not stand in a queue gets the next slot of somebody: who that is takes no more
  /// into its queue for now. Without this the queues of all workers would be filled up by others
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
  const Job* placing_ = nullptr;       ///< whose workers it knows
  std::optional<std::size_t> placed_;  ///< who got the last lease of it
};

}  // namespace quern::broker
