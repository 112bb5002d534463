#include "sim/policy.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <numeric>
#include <queue>
#include <set>
#include <tuple>
#include <utility>

#include "sim/fleet.hpp"

namespace quern::sim {
namespace {

constexpr double kRoundTrip = 0.001;
constexpr double kLostAfter = 3;

/// Tasks of a job: `count` of them, from `begin` in steps of `step`.
struct Piece {
  std::size_t job = 0;
  std::uint64_t begin = 0, count = 0, step = 1;
};

/// The simulation that both kinds of policy share: what runs where and when.
class Course {
 public:
  Course(const Scenario& scenario, const PlayOptions& options)
      : scenario_(scenario), fleet_(scenario), options_(options) {
    left_.resize(scenario.jobs.size());
    ends_.resize(scenario.jobs.size());
    for (std::size_t i = 0; i < left_.size(); ++i) left_[i] = scenario.jobs[i].tasks;
    outcome_.busy_s.resize(scenario.machines.size());
  }

  const Scenario& scenario() const { return scenario_; }
  const Fleet& fleet() const { return fleet_; }

  /// The jobs in the order of submission.
  std::vector<std::size_t> order() const {
    std::vector<std::size_t> order(scenario_.jobs.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return scenario_.jobs[a].at_s < scenario_.jobs[b].at_s;
    });
    return order;
  }

  /// Runs a piece on a slot from `start` until its machine vanishes or `stop`. Returns when it
  /// ended and what is left of it.
  std::pair<double, std::optional<Piece>> run(std::size_t slot, Piece piece, double start,
                                              double stop = kNever) {
    const std::size_t machine = fleet_.machine_of(slot);
    const auto& clock = fleet_.clock(machine);
    const auto& job = scenario_.jobs[piece.job];
    const double rate = fleet_.rate(piece.job, machine);
    stop = std::min(stop, clock.gone_at());
    double end = start;
    std::uint64_t done = 0;
    if (job.sizes.empty()) {
      end = clock.end_of(start, static_cast<double>(piece.count) / rate);
      done = piece.count;
      if (end > stop) {
        done = std::min(piece.count,
                        static_cast<std::uint64_t>(
                            std::max(0.0, clock.work_between(start, stop)) * rate + 1e-9));
        end = clock.end_of(start, static_cast<double>(done) / rate);
      }
    } else {
      for (; done < piece.count; ++done) {
        const double next = clock.end_of(end, job.sizes[piece.begin + done * piece.step] / rate);
        if (next > stop) break;
        end = next;
      }
    }
    ++outcome_.leases;
    if (done > 0) {
      ran(slot, piece, done, start, end, true);
      left_[piece.job] -= done;
      ends_[piece.job] = std::max(ends_[piece.job], end + kRoundTrip);
    }
    if (done == piece.count) return {end, std::nullopt};
    if (stop > std::max(start, end)) ran(slot, piece, 1, std::max(start, end), stop, false);
    return {stop,
            Piece{piece.job, piece.begin + done * piece.step, piece.count - done, piece.step}};
  }

  ScenarioOutcome outcome() {
    for (std::size_t i = 0; i < left_.size(); ++i) {
      outcome_.jobs_s.push_back(left_[i] > 0 ? -1 : ends_[i] - scenario_.jobs[i].at_s);
      outcome_.makespan_s = std::max(outcome_.makespan_s, ends_[i]);
      if (left_[i] > 0 && outcome_.trouble.empty())
        outcome_.trouble = std::to_string(left_[i]) + " tasks of " + scenario_.jobs[i].function +
                           " find no machine";
    }
    return std::move(outcome_);
  }

 private:
  void ran(std::size_t slot, const Piece& piece, std::uint64_t tasks, double begin, double end,
           bool kept) {
    const std::size_t machine = fleet_.machine_of(slot);
    outcome_.busy_s[machine] += end - begin;
    if (machine >= options_.shown_machines) return;
    outcome_.runs.push_back(
        {machine, fleet_.place_of(slot), piece.job, piece.begin, tasks, begin, end, kept});
  }

  const Scenario& scenario_;
  Fleet fleet_;
  const PlayOptions& options_;
  std::vector<std::uint64_t> left_;
  std::vector<double> ends_;
  ScenarioOutcome outcome_;
};

/// First come, first served.
class Pull {
 public:
  explicit Pull(Course& course) : course_(course), pending_(course.scenario().jobs.size()) {}

  void play() {
    for (const std::size_t job : course_.order()) {
      const auto& submitted = course_.scenario().jobs[job];
      add(submitted.at_s + kRoundTrip, Arrival{job, {job, 0, submitted.tasks, 1}});
    }
    for (std::size_t slot = 0; slot < course_.fleet().slots(); ++slot) idle_.insert(slot);
    while (!events_.empty()) {
      const auto [when, rank, n] = events_.top();
      events_.pop();
      if (rank == kSlot) {
        pull(n, when);
      } else {
        pending_[arrivals_[n].job].push_back(arrivals_[n].piece);
        if (rank == kFirst) open_.push_back(arrivals_[n].job);
        for (const std::size_t slot : std::exchange(idle_, {})) add_slot(when, slot);
      }
    }
  }

 private:
  struct Arrival {
    std::size_t job;
    Piece piece;
  };
  static constexpr int kFirst = 0, kAgain = 1, kSlot = 2;  // the order of simultaneous events

  void add(double when, Arrival arrival, int rank = kFirst) {
    events_.emplace(when, rank, arrivals_.size());
    arrivals_.push_back(arrival);
  }
  void add_slot(double when, std::size_t slot) {
    when = course_.fleet().clock(course_.fleet().machine_of(slot)).awake(when);
    if (when < kNever) events_.emplace(when, kSlot, slot);
  }

  void pull(std::size_t slot, double now) {
    const std::size_t machine = course_.fleet().machine_of(slot);
    for (const std::size_t job : open_) {
      auto& pieces = pending_[job];
      if (pieces.empty() || course_.fleet().rate(job, machine) == 0) continue;
      Piece& first = pieces.front();
      const Piece taken{job, first.begin,
                        std::min(first.count, chunk_of(course_.scenario().jobs[job])), 1};
      first.begin += taken.count;
      if ((first.count -= taken.count) == 0) pieces.pop_front();
      while (!open_.empty() && pending_[open_.front()].empty() && !may_come_back())
        open_.pop_front();
      const auto [end, rest] = course_.run(slot, taken, now);
      if (rest)
        add(course_.fleet().clock(machine).gone_at() + kLostAfter, {job, *rest}, kAgain);
      else
        add_slot(end + kRoundTrip, slot);
      return;
    }
    idle_.insert(slot);
  }
  /// Keeps the place of a job that has no tasks to give now.
  bool may_come_back() const { return !course_.scenario().changes.empty(); }

  Course& course_;
  std::vector<std::deque<Piece>> pending_;  ///< by job
  std::deque<std::size_t> open_;            ///< jobs in the order of submission
  std::set<std::size_t> idle_;
  std::vector<Arrival> arrivals_;
  using Event = std::tuple<double, int, std::size_t>;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
};

/// All tasks are assigned at submission and stay where they are.
class Deal {
 public:
  Deal(Course& course, Policy policy)
      : course_(course), policy_(policy), queues_(course.fleet().slots()), free_(queues_.size()) {
    alive_.assign(queues_.size(), true);
    debt_.assign(queues_.size(), 0);
  }

  void play() {
    struct Step {
      double when;
      std::optional<std::size_t> job;  ///< the job that is submitted, if any
      std::size_t machine = 0;         ///< otherwise the machine that is known to be lost
    };
    std::vector<Step> steps;
    for (const std::size_t job : course_.order())
      steps.push_back({course_.scenario().jobs[job].at_s + kRoundTrip, job, 0});
    for (std::size_t machine = 0; machine < course_.scenario().machines.size(); ++machine)
      if (const double gone = course_.fleet().clock(machine).gone_at(); gone < kNever)
        steps.push_back({gone + kLostAfter, std::nullopt, machine});
    std::stable_sort(steps.begin(), steps.end(),
                     [](const Step& a, const Step& b) { return a.when < b.when; });
    for (const auto& step : steps) {
      if (step.job)
        deal({*step.job, 0, course_.scenario().jobs[*step.job].tasks, 1}, step.when);
      else
        lose(step.machine, step.when);
    }
    for (std::size_t slot = 0; slot < queues_.size(); ++slot) work_off(slot);
  }

 private:
  struct Dealt {
    Piece piece;
    double at;
  };

  void deal(const Piece& piece, double now) {
    std::vector<std::size_t> slots;
    std::vector<double> weights;
    for (std::size_t slot = 0; slot < queues_.size(); ++slot) {
      const double rate = course_.fleet().rate(piece.job, course_.fleet().machine_of(slot));
      if (!alive_[slot] || rate == 0) continue;
      slots.push_back(slot);
      weights.push_back(policy_ == Policy::static_proportional ? rate : 1);
    }
    if (slots.empty()) return;
    if (policy_ == Policy::round_robin) {
      for (std::uint64_t i = 0; i < std::min<std::uint64_t>(slots.size(), piece.count); ++i)
        give(slots[(next_ + i) % slots.size()],
             {piece.job, piece.begin + i * piece.step, (piece.count - i - 1) / slots.size() + 1,
              piece.step * slots.size()},
             now);
      next_ += piece.count;
      return;
    }
    std::uint64_t begin = 0;
    const auto shares = shares_of(piece.count, slots, weights);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (shares[i] > 0)
        give(slots[i], {piece.job, piece.begin + begin * piece.step, shares[i], piece.step}, now);
      begin += shares[i];
    }
  }

  /// Whole tasks. What rounding takes from or gives to a slot counts at its next share, so that
  /// many jobs of one task are distributed too.
  std::vector<std::uint64_t> shares_of(std::uint64_t count, const std::vector<std::size_t>& slots,
                                       const std::vector<double>& weights) {
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    std::vector<std::uint64_t> shares(slots.size());
    std::vector<std::size_t> by_debt(slots.size());
    std::int64_t left = static_cast<std::int64_t>(count);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      double& debt = debt_[slots[i]];
      debt += weights[i] / sum * static_cast<double>(count);
      shares[i] = static_cast<std::uint64_t>(std::max(0.0, std::floor(debt)));
      debt -= static_cast<double>(shares[i]);
      left -= static_cast<std::int64_t>(shares[i]);
      by_debt[i] = i;
    }
    std::stable_sort(by_debt.begin(), by_debt.end(), [&](std::size_t a, std::size_t b) {
      return debt_[slots[a]] > debt_[slots[b]];
    });
    for (std::size_t i = 0; left > 0; i = (i + 1) % slots.size(), --left) {
      ++shares[by_debt[i]];
      --debt_[slots[by_debt[i]]];
    }
    for (std::size_t i = slots.size() - 1; left < 0; i = i == 0 ? slots.size() - 1 : i - 1) {
      if (shares[by_debt[i]] == 0) continue;
      --shares[by_debt[i]];
      ++debt_[slots[by_debt[i]]];
      ++left;
    }
    return shares;
  }

  void give(std::size_t slot, const Piece& piece, double now) {
    queues_[slot].push_back({piece, now});
  }

  /// Runs the tasks of a slot. Returns what is left if its machine vanishes.
  std::vector<Piece> work_off(std::size_t slot) {
    std::vector<Piece> rest;
    for (const auto& [piece, at] : std::exchange(queues_[slot], {})) {
      if (!rest.empty()) {
        rest.push_back(piece);
        continue;
      }
      const auto [end, left] = course_.run(slot, piece, std::max(at, free_[slot]));
      free_[slot] = end;
      if (left) rest.push_back(*left);
    }
    return rest;
  }

  void lose(std::size_t machine, double now) {
    std::vector<Piece> rest;
    for (std::size_t slot = 0; slot < queues_.size(); ++slot) {
      if (course_.fleet().machine_of(slot) != machine) continue;
      alive_[slot] = false;
      const auto pieces = work_off(slot);
      rest.insert(rest.end(), pieces.begin(), pieces.end());
    }
    for (const auto& piece : rest) deal(piece, now);
  }

  Course& course_;
  Policy policy_;
  std::vector<std::vector<Dealt>> queues_;
  std::vector<double> free_;
  std::vector<bool> alive_;
  std::uint64_t next_ = 0;    ///< where round robin continues
  std::vector<double> debt_;  ///< tasks a slot should have had, by slot
};

constexpr std::pair<Policy, std::string_view> kNames[] = {
    {Policy::quern, "quern"},
    {Policy::pull, "pull"},
    {Policy::round_robin, "round-robin"},
    {Policy::static_equal, "static-equal"},
    {Policy::static_proportional, "static-proportional"}};

}  // namespace

std::string_view name_of(Policy policy) {
  for (const auto& [known, name] : kNames)
    if (known == policy) return name;
  return "";
}

std::optional<Policy> policy_named(std::string_view name) {
  for (const auto& [policy, known] : kNames)
    if (known == name) return policy;
  return std::nullopt;
}

std::string policy_names() {
  std::string all;
  for (const auto& [policy, name] : kNames) all += (all.empty() ? "" : ", ") + std::string(name);
  return all;
}

std::uint64_t chunk_of(const ScenarioJob& job) {
  constexpr std::uint64_t kPulls = 100'000;
  return std::max<std::uint64_t>(1, (job.tasks + kPulls - 1) / kPulls);
}

ScenarioOutcome play_policy(const Scenario& scenario, Policy policy, const PlayOptions& options) {
  Course course(scenario, options);
  if (policy == Policy::pull)
    Pull(course).play();
  else
    Deal(course, policy).play();
  return course.outcome();
}

}  // namespace quern::sim
