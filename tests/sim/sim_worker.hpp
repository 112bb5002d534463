// A virtual worker: the production worker core with slots that compute in virtual time.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "sim/world.hpp"
#include "worker/core/worker_core.hpp"

namespace quern::sim {

/// What the virtual functions do, so that a client can know the right answer.
///   echo: the item back.   sum: of the integers of a range.   join: the item back, reducer `join` concatenates.
///   flaky: fails every 7th task on its first attempt.   doomed: fails every 11th task always.
bool is_flaky(std::uint64_t index);
bool is_doomed(std::uint64_t index);

class SimWorker : public Actor, public std::enable_shared_from_this<SimWorker> {
 public:
  SimWorker(World& world, std::uint64_t number, std::uint32_t slots, double slowness, worker::Mistake mistake);

  /// Whether it holds one of these tasks in a lease of an earlier incarnation: queued, running, or done and not acknowledged.
  bool holds(const Uuid& job, const wire::Intervals& tasks, std::uint64_t before_incarnation) const;

  void start();
  void die();
  bool over() const { return core_.over(); }
  void stop();
  bool idle() const;

 private:
  struct Run {
    wire::Lease lease;
    std::uint64_t end = 0;  ///< tasks (counted from the lease's first) still wanted
    Time started{};
    Duration per_task{};
    std::uint64_t generation = 0;
  };

  void carry_out();
  void run(worker::SlotId slot, wire::Lease lease);
  void finish(worker::SlotId slot, std::uint64_t generation);
  void cut(worker::SlotId slot, const wire::LeaseId& lease, std::uint64_t want);
  void schedule_finish(worker::SlotId slot);
  std::uint64_t started_tasks(const Run& run) const;
  wire::Report report_of(const Run& run, std::uint64_t tasks) const;
  void plan_tick();
  void open();

  World& world_;
  double slowness_;
  worker::WorkerCore core_;
  std::shared_ptr<Wire> wire_;
  std::vector<std::optional<Run>> runs_;
  std::uint64_t generation_ = 0;
  std::optional<Time> tick_;
};

}  // namespace quern::sim
