#include "sim/etc.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include "sim/fleet.hpp"

namespace quern::sim {
namespace {

constexpr double kTimeLeast = 1e-9;  // stands for zero, to avoid a division by zero
constexpr double kTimeMost = 1e12;

}  // namespace

Scenario etc_of(const EtcTable& times) {
  Scenario s;
  s.declared = true;
  s.machines.resize(times.empty() ? 0 : times[0].size());
  for (std::size_t task = 0; task < times.size(); ++task) {
    const std::string function = "t" + std::to_string(task);
    for (std::size_t machine = 0; machine < s.machines.size(); ++machine)
      s.machines[machine].rates[function] = 1 / std::max(times[task][machine], kTimeLeast);
    s.jobs.push_back({function, Takes::item, 1, 0, {}});
  }
  s.ideal_s = lower_bound_s(s);
  return s;
}

EtcTable range_based_times(Consistency consistency, std::mt19937_64& random) {
  constexpr std::size_t kTasks = 1024, kMachines = 32;
  std::uniform_real_distribution<double> of_task(1, 3000), of_machine(1, 1000);
  EtcTable times(kTasks, std::vector<double>(kMachines));
  for (auto& row : times) {
    const double base = of_task(random);
    for (double& time : row) time = base * of_machine(random);
    if (consistency == Consistency::inconsistent) continue;
    const std::size_t stride = consistency == Consistency::consistent ? 1 : 2;
    std::vector<double> sorted;
    for (std::size_t machine = 0; machine < kMachines; machine += stride)
      sorted.push_back(row[machine]);
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < sorted.size(); ++i) row[i * stride] = sorted[i];
  }
  return times;
}

Scenario scenario_of_etc(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::size_t tasks = 0, machines = 0, unused = 0;
  if (!(file >> tasks >> machines >> unused) || tasks == 0 || machines == 0 || tasks > 100'000 ||
      machines > 10'000)
    throw std::runtime_error(
        path + ": does not begin with the numbers of tasks and machines, and one more");
  EtcTable times(tasks, std::vector<double>(machines));
  for (auto& row : times)
    for (double& time : row)
      if (!(file >> time) || !(time >= 0 && time <= kTimeMost))
        throw std::runtime_error(path + ": holds fewer than " + std::to_string(tasks * machines) +
                                 " times from 0 to 10^12");
  Scenario scenario = etc_of(times);
  scenario.name = path;
  return scenario;
}

}  // namespace quern::sim
