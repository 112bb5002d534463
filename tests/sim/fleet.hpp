// The machines of a scenario as they truly are: who can do what, how fast, and when. What happens
// to them is known beforehand here; baselines and lower bounds look into it, the production cores
// cannot.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "sim/scenario.hpp"

namespace quern::sim {

constexpr double kNever = std::numeric_limits<double>::infinity();

/// What a machine's speed is at each moment, as shares of its full one.
class MachineClock {
 public:
  /// The changes of one machine, in any order.
  explicit MachineClock(std::vector<ScenarioChange> changes = {});

  /// When so many seconds of work at full speed end that begin at `start`; kNever: not before the
  /// machine is gone.
  double end_of(double start, double work) const;
  /// The work that gets done from `begin` to `end`.
  double work_between(double begin, double end) const;
  /// The first time from `t` on that it does anything; kNever: it is gone.
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
  /// The place of a slot among those of its machine.
  std::uint32_t place_of(std::size_t slot) const { return place_of_[slot]; }
  const MachineClock& clock(std::size_t machine) const { return clocks_[machine]; }
  /// Of one slot, in tasks of size 1 a second; 0: it does not offer the job's function.
  double rate(std::size_t job, std::size_t machine) const {
    return rates_[job * clocks_.size() + machine];
  }

 private:
  std::vector<std::size_t> machine_of_;
  std::vector<std::uint32_t> place_of_;
  std::vector<MachineClock> clocks_;
  std::vector<double> rates_;  ///< job by machine
};

/// No schedule ends earlier: the longest task where it is quickest, and all work if each slot did
/// what it is best at.
double lower_bound_s(const Scenario& scenario);

/// When the last task ends if each, in the order of submission, goes to where it ends first; all
/// times are known and nothing costs any. kNever: a task can end nowhere.
double list_schedule_s(const Scenario& scenario);
/// Beyond so many tasks nobody asks for it.
constexpr std::uint64_t kListedTasks = 200'000;

}  // namespace quern::sim
