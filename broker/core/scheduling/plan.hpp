// Assigns tasks to places when the times are known: tasks of unequal length, and places that are
// good at different things (unrelated machines, R||Cmax).
//
// Three steps, each done a little at a time:
//   1. Min-min (Ibarra and Kim 1977): of all remaining tasks, the one that can end first is placed
//      where it ends first.
//   2. Simulated annealing (Kirkpatrick, Gelatt and Vecchi 1983) over moves and exchanges of
//      tasks. It minimises the sum of the 16th powers of the places' ends (the 4th powers if there
//      are few tasks). This sum follows the last end, and still has a slope where the last end has
//      none.
//   3. Descent: the best move or exchange that relieves the place that ends last, until there is
//      none.
//
// Pure and reproducible: there is no clock, the seed is given, and the caller limits the operations
// of each call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace quern::broker {

class Plan {
 public:
  static constexpr double kNever = std::numeric_limits<double>::infinity();
  static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

  /// `times`: seconds of each task on each place, row by row; kNever where the task cannot run;
  /// each > 0. `ready`: seconds until each place is free, >= 0. `start`: where the tasks would go
  /// without a new plan (kNowhere: unknown), or empty; the result is not worse.
  Plan(std::vector<double> times, std::vector<double> ready, std::uint64_t seed,
       std::vector<std::size_t> start = {});

  /// Continues for about this many operations (about 2 ns each). Returns true when the plan is
  /// finished.
  bool improve(std::uint64_t operations);
  bool finished() const { return phase_ == Phase::finished; }
  /// Whether every task has its place: the plan can be used, even while it is being improved.
  bool complete() const { return phase_ != Phase::building; }

  /// Where a task goes; kNowhere if no place can run it, or if it has none yet.
  std::size_t place_of(std::size_t task) const { return at_[task]; }
  /// When the last place ends, in seconds from now.
  double end_s() const;
  std::size_t tasks() const { return at_.size(); }
  std::size_t places() const { return ready_.size(); }

 private:
  enum class Phase : std::uint8_t { building, annealing, descending, finished };

  /// Tasks without a place, and where each would end first at the moment.
  struct Building {
    std::vector<std::size_t> left;
    std::vector<double> first_end;
    std::vector<std::size_t> first_place;
  };
  /// Times are relative to the end of the min-min plan.
  struct Annealing {
    std::size_t near = 0;              ///< number of places in a task's row of `quick`
    std::vector<std::size_t> quick;    ///< the places where a task is fastest
    std::vector<std::size_t> movable;  ///< tasks that have a place
    std::vector<double> energy;        ///< of each place
    double scale = 1;
    double temperature = 0;
    std::uint64_t move = 0;
    std::uint64_t moves = 0;
    std::vector<std::size_t> best_at;
    double best_end = kNever;
  };

  double time(std::size_t task, std::size_t place) const {
    return times_[task * ready_.size() + place];
  }
  std::uint64_t choose_first(std::size_t task);
  std::uint64_t build_one();
  void take_start();
  void begin_annealing();
  std::uint64_t anneal_one();
  void begin_descent();
  std::uint64_t descend_one();
  std::uint64_t random();
  std::size_t below(std::size_t n);

  std::vector<double> times_;
  std::vector<double> ready_;
  std::vector<std::size_t> at_;
  std::vector<double> ends_;  ///< of each place
  Phase phase_ = Phase::building;
  std::uint64_t random_;
  std::vector<std::size_t> start_;
  Building building_;
  Annealing annealing_;
};

}  // namespace quern::broker
