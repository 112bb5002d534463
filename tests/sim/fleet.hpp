// The true machines of a scenario: which functions they can run, how fast, and when. Future changes
// are known here; baselines and lower bounds use them, the production cores cannot.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "sim/scenario.hpp"

namespace quern::sim {

constexpr double kNever = std::numeric_limits<double>::infinity();

/// The speed of a machine over time, as a share of its full speed.
class MachineClock {
 public:
  /// The changes of one machine, in any order.
  explicit MachineClock(std::vector<ScenarioChange> changes = {});

  /// When so many seconds of work at full speed end that begin at `start`; kNever: not before the
  /// machine is gone.
  double end_of(double start, double work) const;
  /// The work that is done from `begin` to `end`.
  double work_between(double begin, double end) const;
  /// The first time from `t` on at which it works; kNever if it has vanished.
  double awake(double t) const;
  double gone_at() const { return gone_at_; }
  bool changes() const { return stretches_.size() > 1; }

 private:
  struct Stretch {
    double from, speed;
  };
  std::vector<Stretch> stretches_;
  double gone_at_ = kNever;
};

class Fleet {
 public:
  explicit Fleet(const Scenario& scenario);

  std::size_t slots() const { return machine_of_.size(); }
  std::size_t machine_of(std::size_t slot) const { return machine_of_[slot]; }
  /// The index of a slot within its machine.
  std::uint32_t place_of(std::size_t slot) const { return place_of_[slot]; }
  const MachineClock& clock(std::size_t machine) const { return clocks_[machine]; }
  /// The rate of one slot in tasks of size 1 per second; 0 if it does not offer the function.
  double rate(std::size_t job, std::size_t machine) const {
    return rates_[job * clocks_.size() + machine];
  }

 private:
  std::vector<std::size_t> machine_of_;
  std::vector<std::uint32_t> place_of_;
  std::vector<MachineClock> clocks_;
  std::vector<double> rates_;  ///< job by machine
};

/// A lower bound for every schedule: the longest task on the fastest machine for it, and all work
/// if each slot did what it is fastest at.
double lower_bound_s(const Scenario& scenario);

/// When the last task ends if each one, in the order of submission, goes to the slot where it ends
/// first, with known times and without overhead. kNever if a task cannot end anywhere.
double list_schedule_s(const Scenario& scenario);
/// With more tasks than this, it is not computed.
constexpr std::uint64_t kListedTasks = 200'000;

}  // namespace quern::sim
