#include "broker/core/scheduling/plan.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace quern::broker {
namespace {

// The middle of a wide plateau on the twelve instances that tests/broker/plan_test.cpp names: half
// or twice of each changes the mean by less than 0.003.
struct Cooling {
  int squarings;  ///< the energy of an end is its 2^squarings-th power
  double hot, cold;
  double warm;  ///< before this share of the moves the plan is too hot to be kept
};
constexpr Cooling kMany{4, 0.1, 0.0005, 0.6};
// A few long tasks: between two good plans lie bad ones, over which a steep energy does not get.
constexpr Cooling kFew{2, 1, 0.01, 0};
constexpr std::size_t kFewTasks = 24;
constexpr std::uint64_t kMovesPerTask = 560;
constexpr std::uint64_t kMovesLeast = 30'000;
constexpr std::uint64_t kMovesMost = 1'000'000;
// Moves go to the places where a task is quickest; one in four goes anywhere, or many equal places
// would not be seen.
constexpr std::size_t kQuickPlaces = 6;
// The temperature falls after so many moves.
constexpr std::uint64_t kStep = 1024;
// What a move costs, in the operations of improve().
constexpr std::uint64_t kMoveOperations = 16;

double energy_of(double end, int squarings) {
  for (int i = 0; i < squarings; ++i) end *= end;
  return end;
}

const Cooling& cooling_of(std::size_t tasks) { return tasks <= kFewTasks ? kFew : kMany; }

}  // namespace

Plan::Plan(std::vector<double> times, std::vector<double> ready, std::uint64_t seed,
           std::vector<std::size_t> start)
    : times_(std::move(times)),
      ready_(std::move(ready)),
      ends_(ready_),
      random_(seed),
      start_(std::move(start)) {
  const std::size_t tasks = ready_.empty() ? 0 : times_.size() / ready_.size();
  at_.assign(tasks, kNowhere);
  first_end_.assign(tasks, kNever);
  first_place_.assign(tasks, kNowhere);
  left_.resize(tasks);
  std::iota(left_.begin(), left_.end(), std::size_t{0});
  for (std::size_t task = 0; task < tasks; ++task) choose_first(task);
}

std::uint64_t Plan::random() {  // SplitMix64 (Steele, Lea and Flood 2014)
  std::uint64_t z = random_ += 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

std::size_t Plan::below(std::size_t n) {
  return static_cast<std::size_t>((random() >> 32) * n >> 32);
}

double Plan::end_s() const {
  return ends_.empty() ? 0 : *std::max_element(ends_.begin(), ends_.end());
}

bool Plan::improve(std::uint64_t operations) {
  for (std::uint64_t spent = 0; spent < operations && phase_ != Phase::finished;) {
    switch (phase_) {
      case Phase::building:
        spent += build_one();
        break;
      case Phase::annealing:
        spent += anneal_one();
        break;
      case Phase::descending:
        spent += descend_one();
        break;
      case Phase::finished:
        break;
    }
  }
  return finished();
}

std::uint64_t Plan::choose_first(std::size_t task) {
  first_end_[task] = kNever;
  first_place_[task] = kNowhere;
  for (std::size_t place = 0; place < ready_.size(); ++place) {
    const double end = ends_[place] + time(task, place);
    if (end < first_end_[task]) {
      first_end_[task] = end;
      first_place_[task] = place;
    }
  }
  return ready_.size();
}

std::uint64_t Plan::build_one() {
  const auto first = std::min_element(
      left_.begin(), left_.end(),
      [this](std::size_t a, std::size_t b) { return first_end_[a] < first_end_[b]; });
  std::uint64_t spent = left_.size() + 1;
  if (first == left_.end() || first_place_[*first] == kNowhere) {
    begin_annealing();
    return spent;
  }
  const std::size_t task = *first, place = first_place_[task];
  at_[task] = place;
  ends_[place] = first_end_[task];
  movable_.push_back(task);
  *first = left_.back();
  left_.pop_back();
  for (std::size_t other : left_)
    if (first_place_[other] == place) spent += choose_first(other);
  return spent;
}

void Plan::take_start() {
  if (start_.empty()) return;
  std::vector<double> ends = ready_;
  for (std::size_t task : movable_) {
    if (start_[task] == kNowhere) start_[task] = at_[task];
    ends[start_[task]] += time(task, start_[task]);
  }
  if (*std::max_element(ends.begin(), ends.end()) >= end_s()) return;
  for (std::size_t task : movable_) at_[task] = start_[task];
  ends_ = std::move(ends);
}

void Plan::begin_annealing() {
  take_start();
  phase_ = Phase::annealing;
  scale_ = end_s();
  if (movable_.size() < 2 || ready_.size() < 2 || scale_ <= 0) {
    phase_ = Phase::finished;
    return;
  }
  near_ = std::min(kQuickPlaces, ready_.size());
  quick_.resize(at_.size() * near_);
  std::vector<std::size_t> order(ready_.size());
  for (std::size_t task : movable_) {
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto to = order.begin() + static_cast<std::ptrdiff_t>(near_);
    std::partial_sort(order.begin(), to, order.end(),
                      [&](std::size_t a, std::size_t b) { return time(task, a) < time(task, b); });
    std::copy(order.begin(), to, quick_.begin() + static_cast<std::ptrdiff_t>(task * near_));
  }
  energy_.resize(ends_.size());
  for (std::size_t place = 0; place < ends_.size(); ++place)
    energy_[place] = energy_of(ends_[place] / scale_, cooling_of(movable_.size()).squarings);
  moves_ = std::clamp(kMovesPerTask * movable_.size(), kMovesLeast, kMovesMost);
  best_at_ = at_;
  best_end_ = scale_;
}

std::uint64_t Plan::anneal_one() {
  if (move_ == moves_) {
    begin_descent();
    return kMoveOperations;
  }
  const auto& [squarings, hot, cold, warm_from] = cooling_of(movable_.size());
  if (move_ % kStep == 0)
    temperature_ =
        hot * std::pow(cold / hot, static_cast<double>(move_) / static_cast<double>(moves_));
  const bool warm = static_cast<double>(move_) >= warm_from * static_cast<double>(moves_);
  ++move_;

  const std::size_t task = movable_[below(movable_.size())], from = at_[task];
  std::size_t to = 0, other = kNowhere;
  if (const std::uint64_t choice = random() & 7; choice < 4) {
    other = movable_[below(movable_.size())];
    to = at_[other];
  } else {
    to = choice == 4 ? below(ready_.size()) : quick_[task * near_ + below(near_)];
  }
  if (to == from) return kMoveOperations;
  double from_end = ends_[from] - time(task, from), to_end = ends_[to] + time(task, to);
  if (other != kNowhere) {
    from_end += time(other, from);
    to_end -= time(other, to);
  }
  if (from_end == kNever || to_end == kNever) return kMoveOperations;
  const double from_energy = energy_of(from_end / scale_, squarings),
               to_energy = energy_of(to_end / scale_, squarings);
  const double worse = from_energy + to_energy - energy_[from] - energy_[to];
  constexpr double kUnit = 0x1p-53;
  if (worse > 0 && static_cast<double>(random() >> 11) * kUnit >= std::exp(-worse / temperature_))
    return kMoveOperations;
  ends_[from] = from_end;
  ends_[to] = to_end;
  energy_[from] = from_energy;
  energy_[to] = to_energy;
  at_[task] = to;
  if (other != kNowhere) at_[other] = from;
  if (!warm) return kMoveOperations;
  if (const double end = end_s(); end < best_end_) {
    best_end_ = end;
    best_at_ = at_;
    return kMoveOperations + at_.size() / 4;
  }
  return kMoveOperations;
}

void Plan::begin_descent() {
  phase_ = Phase::descending;
  at_ = best_at_;
  ends_ = ready_;  // anew: a million additions and subtractions leave traces
  for (std::size_t task : movable_) ends_[at_[task]] += time(task, at_[task]);
}

std::uint64_t Plan::descend_one() {
  const auto last =
      static_cast<std::size_t>(std::max_element(ends_.begin(), ends_.end()) - ends_.begin());
  constexpr double kWorth = 1 - 1e-12;  // less is rounding
  double best = ends_[last] * kWorth;
  std::size_t best_task = kNowhere, best_other = kNowhere, best_place = kNowhere;
  std::uint64_t spent = movable_.size();
  for (std::size_t task : movable_) {
    if (at_[task] != last) continue;
    const double without = ends_[last] - time(task, last);
    for (std::size_t place = 0; place < ready_.size(); ++place) {
      const double worst = std::max(without, ends_[place] + time(task, place));
      if (place == last || worst >= best) continue;
      best = worst;
      best_task = task;
      best_place = place;
      best_other = kNowhere;
    }
    for (std::size_t other : movable_) {
      const std::size_t place = at_[other];
      const double worst = std::max(without + time(other, last),
                                    ends_[place] + time(task, place) - time(other, place));
      if (place == last || !(worst < best)) continue;
      best = worst;
      best_task = task;
      best_place = place;
      best_other = other;
    }
    spent += 2 * movable_.size() + ready_.size();
  }
  if (best_task == kNowhere) {
    phase_ = Phase::finished;
    return spent;
  }
  ends_[last] -= time(best_task, last);
  ends_[best_place] += time(best_task, best_place);
  at_[best_task] = best_place;
  if (best_other != kNowhere) {
    ends_[best_place] -= time(best_other, best_place);
    ends_[last] += time(best_other, last);
    at_[best_other] = last;
  }
  return spent;
}

}  // namespace quern::broker
