// The built-in scenarios. By default, work and rates make `ideal_s` about ten seconds.
#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <stdexcept>

#include "sim/etc.hpp"
#include "sim/fleet.hpp"

namespace quern::sim {
namespace {

using What = ScenarioChange::What;
using Random = std::mt19937_64;

constexpr double kWork = 10;  // seconds of all machines together

/// A range of small tasks on machines with these rates (in thousands of tasks per second).
Scenario range_on(const std::vector<double>& rates) {
  Scenario s;
  double sum = 0;
  for (double rate : rates) {
    s.machines.push_back({1, {{"f", rate * 1000}}});
    sum += rate * 1000;
  }
  s.jobs.push_back({"f", Takes::range, static_cast<std::uint64_t>(sum * kWork), 0, {}});
  s.ideal_s = static_cast<double>(s.jobs[0].tasks) / sum;
  return s;
}

Scenario log_normal(Random& random) {
  std::lognormal_distribution<double> rate(0, 0.7);
  std::vector<double> rates(64);
  for (double& r : rates) r = rate(random);
  return range_on(rates);
}

/// Items of unknown and very unequal length: a few are as long as hundreds of others.
Scenario pareto(Random& random) {
  constexpr double kShape = 1.5;
  constexpr std::size_t kMachines = 16;
  Scenario s;
  ScenarioJob job{"f", Takes::item, 10'000, 0, {}};
  double sum = 0, longest = 0;
  std::uniform_real_distribution<double> uniform(0, 1);
  for (std::uint64_t i = 0; i < job.tasks; ++i) {
    const double size = 0.010 * std::pow(1 - uniform(random), -1 / kShape);
    job.sizes.push_back(size);
    sum += size;
    longest = std::max(longest, size);
  }
  s.machines.assign(kMachines, {1, {{"f", 1}}});
  s.jobs.push_back(std::move(job));
  s.ideal_s = std::max(longest, sum / kMachines);
  return s;
}

/// Eight equal machines and 10 ms tasks; in the middle one machine changes. `lost`: the share of
/// the time of that machine that is lost.
Scenario trouble(What what, double value, double capacity_left) {
  Scenario s;
  s.machines.assign(8, {1, {{"f", 100}}});
  s.jobs.push_back({"f", Takes::item, 8000, 0, {}});
  s.changes.push_back({what, kWork / 2, 0, value});
  s.ideal_s = kWork / 2 + kWork / 2 * 8 / capacity_left;
  return s;
}

Scenario two_functions() {
  Scenario s;
  for (int i = 0; i < 4; ++i) {
    s.machines.push_back({1, {{"f", 200}, {"g", 10}}});
    s.machines.push_back({1, {{"f", 10}, {"g", 200}}});
  }
  s.jobs.push_back({"f", Takes::item, 8000, 0, {}});
  s.jobs.push_back({"g", Takes::item, 8000, 0, {}});
  s.ideal_s = kWork;
  return s;
}

/// The same with tasks so long that finding out a machine's slow function costs one of the ten
/// seconds. If half of the machines try the wrong function once, the run takes 1.048 times as long
/// as with known rates.
Scenario dear_tries() {
  Scenario s;
  for (int i = 0; i < 4; ++i) {
    s.machines.push_back({1, {{"f", 20}, {"g", 1}}});
    s.machines.push_back({1, {{"f", 1}, {"g", 20}}});
  }
  s.jobs.push_back({"f", Takes::item, 800, 0, {}});
  s.jobs.push_back({"g", Takes::item, 800, 0, {}});
  s.ideal_s = kWork;
  return s;
}

/// Four functions; each machine is 20 times faster at one of them, and this is not declared.
Scenario four_functions() {
  Scenario s;
  const std::vector<std::string> functions = {"a", "b", "c", "d"};
  for (std::size_t machine = 0; machine < 16; ++machine) {
    ScenarioMachine made;
    for (const auto& function : functions) made.rates[function] = 10;
    made.rates[functions[machine % functions.size()]] = 200;
    s.machines.push_back(std::move(made));
  }
  for (const auto& function : functions) s.jobs.push_back({function, Takes::item, 8000, 0, {}});
  s.ideal_s = kWork;
  return s;
}

/// Measures the time of the second job, which alone would take `ideal_s`.
Scenario small_behind_large() {
  Scenario s;
  s.machines.assign(8, {1, {{"f", 10'000}, {"g", 100}}});
  s.jobs.push_back({"f", Takes::item, 10'000'000, 0, {}});
  s.jobs.push_back({"g", Takes::item, 100, 5, {}});
  s.ideal_s = 125;
  return s;
}

/// Three tasks with costs 30, 40, 30 on machines with rates 10, 20, 30.
Scenario three_tasks(Random& /*random*/) {
  Scenario s = etc_of({{3, 1.5, 1}, {4, 2, 4.0 / 3}, {3, 1.5, 1}});
  s.ideal_s = 2;
  return s;
}

/// So many workers that the cost of each matters.
Scenario many_workers() {
  Scenario s;
  s.machines.assign(10'000, {1, {{"f", 10}}});
  s.jobs.push_back({"f", Takes::item, 10'000'000, 0, {}});
  s.ideal_s = 100;
  return s;
}

/// Ten thousand jobs of one task each, of fifty functions, on machines of unequal speed.
Scenario many_jobs() {
  constexpr std::uint64_t kJobs = 10'000, kFunctions = 50;
  Scenario s;
  double sum = 0;
  for (const double rate : {100, 100, 100, 100, 200, 200, 200, 400}) {
    ScenarioMachine made;
    for (std::uint64_t i = 0; i < kFunctions; ++i) made.rates["f" + std::to_string(i)] = rate;
    s.machines.push_back(std::move(made));
    sum += rate;
  }
  for (std::uint64_t i = 0; i < kJobs; ++i)
    s.jobs.push_back({"f" + std::to_string(i % kFunctions), Takes::item, 1, 0, {}});
  s.ideal_s = static_cast<double>(kJobs) / sum;
  return s;
}

/// Each machine is fifty times faster at one or two functions, and this is not declared.
Scenario eight_functions(Random& random) {
  constexpr std::size_t kFunctions = 8;
  Scenario s;
  const auto name = [](std::size_t function) {
    return std::string(1, static_cast<char>('a' + function));
  };
  for (std::size_t machine = 0; machine < 32; ++machine) {
    ScenarioMachine made;
    for (std::size_t function = 0; function < kFunctions; ++function)
      made.rates[name(function)] = 1;
    made.rates[name(machine % kFunctions)] = 50;
    if (random() % 2 == 0) made.rates[name(random() % kFunctions)] = 50;
    s.machines.push_back(std::move(made));
  }
  for (std::size_t function = 0; function < kFunctions; ++function)
    s.jobs.push_back({name(function), Takes::item, 2000, 0, {}});
  s.ideal_s = lower_bound_s(s);
  return s;
}

using Maker = std::function<Scenario(Random&)>;

const std::vector<std::pair<std::string, Maker>>& makers() {
  static const std::vector<std::pair<std::string, Maker>> all = {
      {"three-tasks", three_tasks},
      {"rates-1-2-3",
       [](Random&) {
         return range_on({1, 2, 3});
       }},
      {"one-fast",
       [](Random&) {
         return range_on({1, 1, 1, 20});
       }},
      {"log-normal", log_normal},
      {"pareto", pareto},
      {"slows", [](Random&) { return trouble(What::speed, 0.1, 7.1); }},
      {"freezes", [](Random&) { return trouble(What::freeze, 1000, 7); }},
      {"vanishes", [](Random&) { return trouble(What::vanish, 0, 7); }},
      {"two-functions", [](Random&) { return two_functions(); }},
      {"small-behind-large", [](Random&) { return small_behind_large(); }},
      {"many-workers", [](Random&) { return many_workers(); }},
      {"many-jobs", [](Random&) { return many_jobs(); }},
      {"dear-tries", [](Random&) { return dear_tries(); }},
      {"four-functions", [](Random&) { return four_functions(); }},
      {"eight-functions", eight_functions},
      {"consistent",
       [](Random& random) { return etc_of(range_based_times(Consistency::consistent, random)); }},
      {"inconsistent",
       [](Random& random) { return etc_of(range_based_times(Consistency::inconsistent, random)); }},
      {"semi", [](Random& random) { return etc_of(range_based_times(Consistency::semi, random)); }},
  };
  return all;
}

}  // namespace

const std::vector<std::string>& scenario_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    for (const auto& [name, make] : makers()) out.push_back(name);
    return out;
  }();
  return names;
}

void check_scenario_name(const std::string& name) {
  std::string all;
  for (const auto& known : scenario_names()) {
    if (known == name) return;
    all += (all.empty() ? "" : ", ") + known;
  }
  throw std::invalid_argument("there is no scenario '" + name + "'; there are: " + all);
}

Scenario scenario_named(const std::string& name, std::uint64_t seed) {
  check_scenario_name(name);
  Random random(seed);
  Scenario scenario;
  for (const auto& [known, make] : makers())
    if (known == name) scenario = make(random);
  scenario.name = name;
  return scenario;
}

}  // namespace quern::sim
