#include "broker/core/scheduling/plan.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace quern::broker {
namespace {

// The middle of a wide plateau on the twelve instances named in tests/broker/plan_test.cpp: halving
// or doubling any of these values changes the mean by less than 0.003.
struct Cooling {
  int squarings;  ///< the energy of an end is its 2^squarings-th power
  double hot, cold;
  double warm;  ///< before this share of the moves, the plan is too hot to be kept
};
constexpr Cooling kMany{4, 0.1, 0.0005, 0.6};
// With few long tasks, bad plans lie between two good ones, and a steep energy cannot cross them.
constexpr Cooling kFew{2, 1, 0.01, 0};
constexpr std::size_t kFewTasks = 24;
constexpr std::uint64_t kMovesPerTask = 560;
constexpr std::uint64_t kMovesLeast = 30'000;
constexpr std::uint64_t kMovesMost = 1'000'000;
// Most moves go to one of the places where a task is fastest; one in four goes anywhere, because
// otherwise many equal places would never be tried.
constexpr std::size_t kQuickPlaces = 6;
// The temperature falls after this many moves.
constexpr std::uint64_t kStep = 1024;
// The cost of a move, in operations of improve().
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
  building_.first_end.assign(tasks, kNever);
  building_.first_place.assign(tasks, kNowhere);
  building_.left.resize(tasks);
  std::iota(building_.left.begin(), building_.left.end(), std::size_t{0});
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
  building_.first_end[task] = kNever;
  building_.first_place[task] = kNowhere;
  for (std::size_t place = 0; place < ready_.size(); ++place) {
    const double end = ends_[place] + time(task, place);
    if (end < building_.first_end[task]) {
      building_.first_end[task] = end;
      building_.first_place[task] = place;
    }
  }
  return ready_.size();
}

std::uint64_t Plan::build_one() {
  const auto first = std::min_element(building_.left.begin(), building_.left.end(),
                                      [this](std::size_t a, std::size_t b) {
                                        return building_.first_end[a] < building_.first_end[b];
                                      });
  std::uint64_t spent = building_.left.size() + 1;
  if (first == building_.left.end() || building_.first_place[*first] == kNowhere) {
    begin_annealing();
    return spent;
  }
  const std::size_t task = *first, place = building_.first_place[task];
  at_[task] = place;
  ends_[place] = building_.first_end[task];
  annealing_.movable.push_back(task);
  *first = building_.left.back();
  building_.left.pop_back();
  for (std::size_t other : building_.left)
    if (building_.first_place[other] == place) spent += choose_first(other);
  return spent;
}

void Plan::take_start() {
  if (start_.empty()) return;
  std::vector<double> ends = ready_;
  for (std::size_t task : annealing_.movable) {
    if (start_[task] == kNowhere) start_[task] = at_[task];
    ends[start_[task]] += time(task, start_[task]);
  }
  if (*std::max_element(ends.begin(), ends.end()) >= end_s()) return;
  for (std::size_t task : annealing_.movable) at_[task] = start_[task];
  ends_ = std::move(ends);
}

void Plan::begin_annealing() {
  take_start();
  phase_ = Phase::annealing;
  annealing_.scale = end_s();
  if (annealing_.movable.size() < 2 || ready_.size() < 2 || annealing_.scale <= 0) {
    phase_ = Phase::finished;
    return;
  }
  annealing_.near = std::min(kQuickPlaces, ready_.size());
  annealing_.quick.resize(at_.size() * annealing_.near);
  std::vector<std::size_t> order(ready_.size());
  for (std::size_t task : annealing_.movable) {
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto to = order.begin() + static_cast<std::ptrdiff_t>(annealing_.near);
    std::partial_sort(order.begin(), to, order.end(),
                      [&](std::size_t a, std::size_t b) { return time(task, a) < time(task, b); });
    std::copy(order.begin(), to,
              annealing_.quick.begin() + static_cast<std::ptrdiff_t>(task * annealing_.near));
  }
  annealing_.energy.resize(ends_.size());
  for (std::size_t place = 0; place < ends_.size(); ++place)
    annealing_.energy[place] =
        energy_of(ends_[place] / annealing_.scale, cooling_of(annealing_.movable.size()).squarings);
  annealing_.moves = std::clamp(kMovesPerTask * annealing_.movable.size(), kMovesLeast, kMovesMost);
  annealing_.best_at = at_;
  annealing_.best_end = annealing_.scale;
}

std::uint64_t Plan::anneal_one() {
  if (annealing_.move == annealing_.moves) {
    begin_descent();
    return kMoveOperations;
  }
  const auto& [squarings, hot, cold, warm_from] = cooling_of(annealing_.movable.size());
  if (annealing_.move % kStep == 0)
    annealing_.temperature = hot * std::pow(cold / hot, static_cast<double>(annealing_.move) /
                                                            static_cast<double>(annealing_.moves));
  const bool warm =
      static_cast<double>(annealing_.move) >= warm_from * static_cast<double>(annealing_.moves);
  ++annealing_.move;

  const std::size_t task = annealing_.movable[below(annealing_.movable.size())], from = at_[task];
  std::size_t to = 0, other = kNowhere;
  if (const std::uint64_t choice = random() & 7; choice < 4) {
    other = annealing_.movable[below(annealing_.movable.size())];
    to = at_[other];
  } else {
    to = choice == 4 ? below(ready_.size())
                     : annealing_.quick[task * annealing_.near + below(annealing_.near)];
  }
  if (to == from) return kMoveOperations;
  double from_end = ends_[from] - time(task, from), to_end = ends_[to] + time(task, to);
  if (other != kNowhere) {
    from_end += time(other, from);
    to_end -= time(other, to);
  }
  if (from_end == kNever || to_end == kNever) return kMoveOperations;
  const double from_energy = energy_of(from_end / annealing_.scale, squarings),
               to_energy = energy_of(to_end / annealing_.scale, squarings);
  const double worse = from_energy + to_energy - annealing_.energy[from] - annealing_.energy[to];
  constexpr double kUnit = 0x1p-53;
  if (worse > 0 &&
      static_cast<double>(random() >> 11) * kUnit >= std::exp(-worse / annealing_.temperature))
    return kMoveOperations;
  ends_[from] = from_end;
  ends_[to] = to_end;
  annealing_.energy[from] = from_energy;
  annealing_.energy[to] = to_energy;
  at_[task] = to;
  if (other != kNowhere) at_[other] = from;
  if (!warm) return kMoveOperations;
  if (const double end = end_s(); end < annealing_.best_end) {
    annealing_.best_end = end;
    annealing_.best_at = at_;
    return kMoveOperations + at_.size() / 4;
  }
  return kMoveOperations;
}

void Plan::begin_descent() {
  phase_ = Phase::descending;
  at_ = annealing_.best_at;
  ends_ = ready_;  // recomputed: a million additions and subtractions leave rounding errors
  for (std::size_t task : annealing_.movable) ends_[at_[task]] += time(task, at_[task]);
}

std::uint64_t Plan::descend_one() {
  const auto last =
      static_cast<std::size_t>(std::max_element(ends_.begin(), ends_.end()) - ends_.begin());
  constexpr double kWorth = 1 - 1e-12;  // anything less is rounding
  double best = ends_[last] * kWorth;
  std::size_t best_task = kNowhere, best_other = kNowhere, best_place = kNowhere;
  std::uint64_t spent = annealing_.movable.size();
  for (std::size_t task : annealing_.movable) {
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
    for (std::size_t other : annealing_.movable) {
      const std::size_t place = at_[other];
      const double worst = std::max(without + time(other, last),
                                    ends_[place] + time(task, place) - time(other, place));
      if (place == last || !(worst < best)) continue;
      best = worst;
      best_task = task;
      best_place = place;
      best_other = other;
    }
    spent += 2 * annealing_.movable.size() + ready_.size();
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
