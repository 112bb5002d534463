// Which workers can run which job, and which of them may have room.
//
// Owns the pools: one for each distinct need of the live, decided jobs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "broker/core/base/context.hpp"
#include "broker/core/scheduling/plan_book.hpp"
#include "broker/core/scheduling/pool.hpp"
#include "broker/core/scheduling/round.hpp"
#include "broker/core/workers/workers.hpp"

namespace quern::broker {

class Pools {
 public:
  Pools(Context& context, Workers& workers, Round& round, PlanBook& plans)
      : context_(context), workers_(workers), round_(round), plans_(plans) {}

  static Need need_of(const Job& job);
  /// Puts the job into the pool of its need. Idempotent.
  void join(Job& job);
  void leave(Job& job);
  /// Adds the worker to the pools whose needs it meets now, and removes it from the others.
  void join(Worker& worker);
  /// The worker takes no more work.
  void leave(Worker& worker);

  /// The worker may have room for a lease.
  void note_room(Worker& worker);
  /// Whether the worker has room for a lease.
  bool has_room(const Worker& worker) const;
  /// Workers that may have room; no other worker has any.
  std::vector<Worker*>& may_have_room() { return may_have_room_; }
  /// Removes the workers without room from that list.
  void drop_full();
  /// When the worker could start one more lease, in seconds from now.
  static double ready_s(const Worker& worker, Time now);

  /// The worker's rate for this function, or for all functions, may have changed.
  void tell(Worker& worker, const std::string& function);
  void tell(Worker& worker);
  /// The rate has changed for a job that this worker ran.
  void tell(Worker& worker, const Job& job);
  /// Brings the pool of a job up to date.
  void refresh(const Job& job) { job.run.pool->refresh(rates_told_); }

 private:
  Context& context_;
  Workers& workers_;
  Round& round_;
  PlanBook& plans_;
  std::map<Need, Pool> pools_;
  std::uint64_t rates_told_ = 0;  ///< see Pool::refresh()
  std::vector<Worker*> may_have_room_;
};

}  // namespace quern::broker
