// Who runs what when the times are known: tasks of unequal length on places that are good at
// different things (unrelated machines, R||Cmax).
//
// Three steps, each a little at a time:
//   1. Min-min (Ibarra and Kim 1977): of all tasks left, the one that can end first goes where
//      it ends first.
//   2. Simulated annealing (Kirkpatrick, Gelatt and Vecchi 1983) over moves and exchanges of
//      tasks. What it makes small is the sum of the 16th powers of the places' ends (the 4th, of
//      a few tasks), which follows the last end and still has a slope where the last end has none.
//   3. Descent: the best move or exchange that takes from the place that ends last, until there
//      is none.
//
// Pure and reproducible: no clock, a seed, and the caller says how many operations a call may take.
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

  /// `times`: seconds of each task on each place, row by row, kNever where it cannot run; each > 0.
  /// `ready`: seconds until each place is free, >= 0. `start`: where the tasks would go without a
  /// new plan (kNowhere: not known), empty for none; what comes out is not worse.
  Plan(std::vector<double> times, std::vector<double> ready, std::uint64_t seed,
       std::vector<std::size_t> start = {});

  /// Goes on for about so many operations (some 2 ns each); true when there is nothing more to do.
  bool improve(std::uint64_t operations);
  bool finished() const { return phase_ == Phase::finished; }
  /// Whether every task has its place: the plan can be used, and gets better.
  bool complete() const { return phase_ != Phase::building; }

  /// Where a task goes; kNowhere when no place can run it, or it has none yet.
  std::size_t place_of(std::size_t task) const { return at_[task]; }
  /// When the last place ends, seconds from now.
  double end_s() const;
  std::size_t tasks() const { return at_.size(); }
  std::size_t places() const { return ready_.size(); }

 private:
  enum class Phase : std::uint8_t { building, annealing, descending, finished };

  /// Tasks without a place, and where each would end first as things stand.
  struct Building {
    std::vector<std::size_t> left;
    std::vector<double> first_end;
    std::vector<std::size_t> first_place;
  };
  /// Times are shares of what min-min ends with.
  struct Annealing {
    std::size_t near = 0;              ///< places in a task's row of `quick`
    std::vector<std::size_t> quick;    ///< the places where a task is quickest
    std::vector<std::size_t> movable;  ///< tasks that have a place
    std::vector<double> energy;        ///< of the places
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
  std::vector<double> ends_;  ///< of the places
  Phase phase_ = Phase::building;
  std::uint64_t random_;
  std::vector<std::size_t> start_;
  Building building_;
  Annealing annealing_;
};

}  // namespace quern::broker
