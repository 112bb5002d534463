// A virtual worker: the production worker core with slots that compute in virtual time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/world.hpp"
#include "worker/core/worker_core.hpp"

namespace quern::sim {

/// The virtual functions, whose answers a client can compute.
///   echo     returns the item
///   sum      the sum of the integers of a range
///   join     returns the item; the reducer `join` concatenates
///   flaky    fails every 7th task on its first attempt
///   doomed   fails every 11th task always
bool is_flaky(std::uint64_t index);
bool is_doomed(std::uint64_t index);

/// How long the tasks of a lease take, in seconds at the full speed of a machine.
struct Pace {
  double each = 0;           ///< of each task, if all are equal; or
  std::vector<double> ends;  ///< when each task has ended, counted from the start of the first

  double end_of(std::uint64_t tasks) const {
    return ends.empty() ? each * static_cast<double>(tasks) : tasks == 0 ? 0 : ends[tasks - 1];
  }
  std::uint64_t ended_by(double seconds) const;
};

/// The properties of a virtual worker.
struct Machine {
  std::uint64_t number = 0;
  std::uint32_t slots = 1;
  std::vector<FunctionDecl> functions;
  std::vector<ReducerDecl> reducers;
  std::function<Pace(const wire::Lease&)> pace;
  /// The result of every task, if results do not matter; otherwise the functions above apply.
  std::optional<Bytes> blank_result{};
};

/// Offers all functions above and takes some milliseconds per task, times its slowness.
Machine usual_machine(World& world, std::uint64_t number, std::uint32_t slots, double slowness);

class SimWorker : public Actor, public std::enable_shared_from_this<SimWorker> {
 public:
  SimWorker(World& world, Machine machine, worker::Mistake mistake);

  /// Whether it holds one of these tasks in a lease of an earlier incarnation: queued, running, or
  /// finished but not acknowledged.
  bool holds(const Uuid& job, const wire::Intervals& tasks, std::uint64_t before_incarnation) const;

  /// Whether it runs a lease with one of these tasks now.
  bool is_running(const Uuid& job, const wire::Intervals& tasks) const;

  void start();
  void die();
  bool over() const { return core_.over(); }
  void stop();
  bool idle() const;
  /// From now on it runs at this share of its full speed, which is > 0.
  void set_speed(double speed);
  /// Slot time of the work that it reported.
  double busy_s() const { return busy_s_; }

 private:
  struct Run {
    wire::Lease lease;
    std::uint64_t end = 0;  ///< tasks still wanted, counted from the first of the lease
    Pace pace;
    Time started{};
    double worked_s = 0;  ///< work done until `since`, at full speed
    Time since{};
    std::uint64_t generation = 0;
    Uuid waits_for{};            ///< a job that its task has submitted; nil: it works
    std::string nested_trouble;  ///< what went wrong with that job
  };

  void carry_out();
  void run(worker::SlotId slot, wire::Lease lease);
  void finish(worker::SlotId slot, std::uint64_t generation);
  void cut(worker::SlotId slot, const wire::LeaseId& lease, std::uint64_t want);
  void schedule_finish(worker::SlotId slot);
  /// Of a job that allows it, each task submits another job and waits for it before it works.
  void submit_nested(worker::SlotId slot);
  void hear(worker::SlotId slot, const wire::Message& message);
  double worked_s(const Run& run) const;
  std::uint64_t started_tasks(const Run& run) const;
  wire::Report report_of(const Run& run, std::uint64_t tasks) const;
  wire::Report blank_report_of(const Run& run, std::uint64_t tasks) const;
  std::uint64_t busy_us(const Run& run) const;
  void plan_tick();
  void open();

  World& world_;
  Machine machine_;
  double speed_ = 1;
  double busy_s_ = 0;
  worker::WorkerCore core_;
  std::shared_ptr<Wire> wire_;
  std::vector<std::optional<Run>> runs_;
  std::uint64_t generation_ = 0;
  std::optional<Time> tick_;
};

}  // namespace quern::sim
