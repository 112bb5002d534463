#include "sim/scenario.hpp"

#include <time.h>

#include <algorithm>
#include <numeric>

#include "sim/bare_client.hpp"
#include "sim/sim_worker.hpp"

namespace quern::sim {
namespace {

// The round trip of the cases is a millisecond.
constexpr Duration kOneWay = 500us;
// Workers are there and idle when the first job comes.
constexpr Duration kSettled = 1s;
// A case that takes so many times its ideal is stuck.
constexpr double kPatience = 100;

Duration duration(double seconds) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)); }
double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

double processor_s() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

using JobsByFunction = std::map<std::string, const ScenarioJob*, std::less<>>;

Pace pace_of(const ScenarioMachine& machine, const JobsByFunction& jobs, const wire::Lease& lease) {
  const double rate = machine.rates.at(lease.function);
  const std::vector<double>& sizes = jobs.at(lease.function)->sizes;
  if (sizes.empty()) return {1 / rate, {}};
  Pace pace;
  double end = 0;
  for (const auto& interval : lease.tasks)
    for (std::uint64_t task = interval.begin; task < interval.end; ++task) pace.ends.push_back(end += sizes[task] / rate);
  return pace;
}

Machine machine_of(const Scenario& scenario, const JobsByFunction& jobs, std::size_t number) {
  const ScenarioMachine& machine = scenario.machines[number];
  Machine made{number + 1, machine.slots, {}, {}, {}};
  for (const auto& [function, rate] : machine.rates) {
    const auto job = jobs.find(function);
    const Takes takes = job == jobs.end() ? Takes::item : job->second->takes;
    made.functions.push_back({function, takes, takes == Takes::range ? Encoding::value : Encoding::raw, takes == Takes::range ? "sum" : "", false,
                              scenario.declared ? rate : 0});
  }
  made.pace = [&machine, &jobs](const wire::Lease& lease) { return pace_of(machine, jobs, lease); };
  return made;
}

void change(World& world, std::vector<std::shared_ptr<SimWorker>>& workers, const ScenarioChange& what) {
  SimWorker& worker = *workers[what.machine];
  switch (what.what) {
    case ScenarioChange::What::speed: worker.set_speed(what.value); break;
    case ScenarioChange::What::freeze: worker.frozen_until = world.now() + duration(what.value); break;
    case ScenarioChange::What::vanish: worker.die(); break;
  }
}

}  // namespace

ScenarioOutcome play(const Scenario& scenario, std::uint64_t seed) {
  JobsByFunction jobs;
  for (const auto& job : scenario.jobs) jobs[job.function] = &job;

  broker::Config config;
  config.incarnation = seed;
  config.store = false;
  // Tasks of days need no heartbeat a second; it would be most of what is simulated.
  const auto beat = std::max(std::chrono::milliseconds(1000), std::chrono::milliseconds(static_cast<std::int64_t>(scenario.ideal_s)));
  config.beat_busy = beat;
  config.beat_idle = 5 * beat;
  config.lost_busy = 3 * beat;
  config.lost_idle = 15 * beat;
  World world(seed, config);
  world.healed = true;
  world.checked = false;
  world.faults.latency = kOneWay;
  std::vector<std::shared_ptr<SimWorker>> workers;
  for (std::size_t number = 0; number < scenario.machines.size(); ++number) {
    workers.push_back(std::make_shared<SimWorker>(world, machine_of(scenario, jobs, number), worker::Mistake::none));
    workers.back()->start();
  }
  const auto client = std::make_shared<BareClient>(world);
  client->start();

  const Time begin = world.now() + kSettled;
  const double before = processor_s();
  std::vector<std::optional<std::size_t>> places(scenario.jobs.size());
  std::size_t submitted = 0;
  for (std::size_t i = 0; i < scenario.jobs.size(); ++i) {
    world.at(begin + duration(scenario.jobs[i].at_s), nullptr, [&, i] {
      places[i] = client->submit(scenario.jobs[i].function, scenario.jobs[i].tasks);
      ++submitted;
    });
  }
  for (const auto& what : scenario.changes) world.at(begin + duration(what.at_s), nullptr, [&] { change(world, workers, what); });
  const auto done = [&] { return submitted == scenario.jobs.size() && client->finished(); };
  world.run(begin + duration(scenario.ideal_s * kPatience + 60), done);

  ScenarioOutcome outcome;
  outcome.trouble = client->trouble();
  if (outcome.trouble.empty() && !done()) outcome.trouble = "not done after " + std::to_string(seconds(world.now() - begin)) + " virtual seconds";
  for (std::size_t i = 0; i < scenario.jobs.size(); ++i) {
    const auto end = places[i] ? client->ended()[*places[i]] : std::nullopt;
    outcome.jobs_s.push_back(end ? seconds(*end - begin) - scenario.jobs[i].at_s : -1);
    if (end) outcome.makespan_s = std::max(outcome.makespan_s, seconds(*end - begin));
  }
  for (const auto& worker : workers) outcome.busy_s.push_back(worker->busy_s());
  outcome.leases = world.core().counters().leases;
  outcome.core_us_per_lease = (processor_s() - before) * 1e6 / static_cast<double>(std::max<std::uint64_t>(1, outcome.leases));
  return outcome;
}

}  // namespace quern::sim
