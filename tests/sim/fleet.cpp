#include "sim/fleet.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <queue>

namespace quern::sim {
namespace {

using What = ScenarioChange::What;

double size_of(const ScenarioJob& job, std::uint64_t task) {
  return job.sizes.empty() ? 1 : job.sizes[task];
}
double work_of(const ScenarioJob& job) {
  return job.sizes.empty() ? static_cast<double>(job.tasks)
                           : std::accumulate(job.sizes.begin(), job.sizes.end(), 0.0);
}
double longest_of(const ScenarioJob& job) {
  return job.sizes.empty() ? 1 : *std::max_element(job.sizes.begin(), job.sizes.end());
}

/// The first time at which machines that do this much work per second at full speed have finished
/// it, if all start at `begin`.
double done_at(const Fleet& fleet, const std::vector<double>& per_second, double begin,
               double work) {
  const auto done_by = [&](double end) {
    double done = 0;
    for (std::size_t machine = 0; machine < per_second.size(); ++machine)
      if (per_second[machine] > 0)
        done += per_second[machine] * fleet.clock(machine).work_between(begin, end);
    return done;
  };
  double high = begin + 1;
  while (done_by(high) < work)
    if ((high += high - begin) > 1e15) return kNever;
  double low = begin;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (done_by(middle) < work ? low : high) = middle;
  }
  return high;
}

}  // namespace

MachineClock::MachineClock(std::vector<ScenarioChange> changes) {
  std::stable_sort(changes.begin(), changes.end(),
                   [](const auto& a, const auto& b) { return a.at_s < b.at_s; });
  std::vector<double> times{0};
  for (const auto& change : changes) {
    times.push_back(change.at_s);
    if (change.what == What::freeze) times.push_back(change.at_s + change.value);
    if (change.what == What::vanish) gone_at_ = std::min(gone_at_, change.at_s);
  }
  std::sort(times.begin(), times.end());
  for (const double t : times) {
    double speed = 1, frozen_until = 0;
    for (const auto& change : changes) {
      if (change.at_s > t) break;
      if (change.what == What::speed) speed = change.value;
      // As in the world: the later freeze decides when it ends.
      if (change.what == What::freeze) frozen_until = change.at_s + change.value;
    }
    if (frozen_until > t || gone_at_ <= t) speed = 0;
    if (stretches_.empty() || stretches_.back().speed != speed) stretches_.push_back({t, speed});
  }
}

double MachineClock::end_of(double start, double work) const {
  for (std::size_t i = 0; i < stretches_.size(); ++i) {
    const double until = i + 1 < stretches_.size() ? stretches_[i + 1].from : kNever;
    if (until <= start) continue;
    const double speed = stretches_[i].speed;
    const double end = speed > 0 ? start + work / speed : kNever;
    if (end <= until) return end;
    work -= speed * (until - start);
    start = until;
  }
  return kNever;
}

double MachineClock::work_between(double begin, double end) const {
  double work = 0;
  for (std::size_t i = 0; i < stretches_.size(); ++i) {
    const double from = std::max(begin, stretches_[i].from);
    const double until = std::min(end, i + 1 < stretches_.size() ? stretches_[i + 1].from : kNever);
    if (until > from) work += stretches_[i].speed * (until - from);
  }
  return work;
}

double MachineClock::awake(double t) const {
  for (std::size_t i = 0; i < stretches_.size(); ++i) {
    const double until = i + 1 < stretches_.size() ? stretches_[i + 1].from : kNever;
    if (until > t && stretches_[i].speed > 0) return std::max(t, stretches_[i].from);
  }
  return kNever;
}

Fleet::Fleet(const Scenario& scenario) {
  std::vector<std::vector<ScenarioChange>> changes(scenario.machines.size());
  for (const auto& change : scenario.changes) changes[change.machine].push_back(change);
  for (std::size_t machine = 0; machine < scenario.machines.size(); ++machine) {
    clocks_.emplace_back(std::move(changes[machine]));
    for (std::uint32_t place = 0; place < scenario.machines[machine].slots; ++place) {
      machine_of_.push_back(machine);
      place_of_.push_back(place);
    }
  }
  rates_.reserve(scenario.jobs.size() * scenario.machines.size());
  for (const auto& job : scenario.jobs)
    for (const auto& machine : scenario.machines) {
      const auto rate = machine.rates.find(job.function);
      rates_.push_back(rate == machine.rates.end() ? 0 : rate->second);
    }
}

double lower_bound_s(const Scenario& scenario) {
  const Fleet fleet(scenario);
  const std::size_t machines = scenario.machines.size();
  // Work is counted in seconds of the fastest slot for it; the fitness of a slot is the share of
  // that which it does per second.
  std::vector<double> fitness(machines);
  std::map<std::string, std::vector<std::size_t>> of_function;
  double bound = 0;
  struct Load {
    double at_s, best_s;
  };
  std::vector<Load> loads;
  for (std::size_t i = 0; i < scenario.jobs.size(); ++i) {
    const auto& job = scenario.jobs[i];
    of_function[job.function].push_back(i);
    double best = 0, quickest = kNever;
    for (std::size_t machine = 0; machine < machines; ++machine) {
      best = std::max(best, fleet.rate(i, machine));
      if (fleet.rate(i, machine) > 0)
        quickest = std::min(quickest, fleet.clock(machine).end_of(
                                          job.at_s, longest_of(job) / fleet.rate(i, machine)));
    }
    if (best == 0) return kNever;
    bound = std::max(bound, quickest);
    for (std::size_t machine = 0; machine < machines; ++machine)
      fitness[machine] = std::max(fitness[machine],
                                  scenario.machines[machine].slots * fleet.rate(i, machine) / best);
    loads.push_back({job.at_s, work_of(job) / best});
  }
  // Work that is submitted later cannot start before.
  std::stable_sort(loads.begin(), loads.end(),
                   [](const Load& a, const Load& b) { return a.at_s > b.at_s; });
  double sum = 0;
  for (std::size_t i = 0; i < loads.size(); ++i) {
    sum += loads[i].best_s;
    if (i + 1 == loads.size() || loads[i + 1].at_s != loads[i].at_s)
      bound = std::max(bound, done_at(fleet, fitness, loads[i].at_s, sum));
  }
  // Each function alone.
  for (const auto& [function, jobs] : of_function) {
    const bool one_task = jobs.size() == 1 && scenario.jobs[jobs[0]].tasks == 1;
    if (of_function.size() == 1 || one_task) continue;  // covered above
    std::vector<double> per_second(machines);
    double begin = kNever, work = 0;
    for (const std::size_t i : jobs) {
      begin = std::min(begin, scenario.jobs[i].at_s);
      work += work_of(scenario.jobs[i]);
    }
    for (std::size_t machine = 0; machine < machines; ++machine)
      per_second[machine] = scenario.machines[machine].slots * fleet.rate(jobs[0], machine);
    bound = std::max(bound, done_at(fleet, per_second, begin, work));
  }
  return bound;
}

double list_schedule_s(const Scenario& scenario) {
  const Fleet fleet(scenario);
  // Equal slots form a queue, so only the first free one of each kind has to be examined.
  struct Kind {
    std::size_t machine;
    std::priority_queue<double, std::vector<double>, std::greater<>> free;
  };
  std::vector<Kind> kinds;
  std::map<std::map<std::string, double>, std::size_t> unchanging;
  for (std::size_t machine = 0; machine < scenario.machines.size(); ++machine) {
    std::size_t kind = kinds.size();
    if (!fleet.clock(machine).changes())
      kind = unchanging.try_emplace(scenario.machines[machine].rates, kind).first->second;
    if (kind == kinds.size()) kinds.push_back({machine, {}});
    for (std::uint32_t slot = 0; slot < scenario.machines[machine].slots; ++slot)
      kinds[kind].free.push(0);
  }
  std::vector<std::size_t> order(scenario.jobs.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return scenario.jobs[a].at_s < scenario.jobs[b].at_s;
  });
  double last = 0;
  for (const std::size_t i : order) {
    const auto& job = scenario.jobs[i];
    for (std::uint64_t task = 0; task < job.tasks; ++task) {
      Kind* best = nullptr;
      double end = kNever;
      for (auto& kind : kinds) {
        const double rate = fleet.rate(i, kind.machine);
        if (rate == 0) continue;
        const double there =
            fleet.clock(kind.machine)
                .end_of(std::max(job.at_s, kind.free.top()), size_of(job, task) / rate);
        if (there < end) best = &kind, end = there;
      }
      if (!best) return kNever;
      best->free.pop();
      best->free.push(end);
      last = std::max(last, end);
    }
  }
  return last;
}

}  // namespace quern::sim
