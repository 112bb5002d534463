#include "sim/scenario.hpp"

#include <time.h>

#include <algorithm>
#include <cmath>

#include "sim/bare_client.hpp"
#include "sim/sim_worker.hpp"
#include "wire/number.hpp"

namespace quern::sim {
namespace {

// The round trip of the scenarios.
constexpr Duration kOneWay = 500us;
// Workers are connected and idle when the first job is submitted.
constexpr Duration kSettled = 1s;
// A scenario that takes this many times its ideal is stuck.
constexpr double kPatience = 100;
// Heartbeats during the ideal time of a long scenario. Without changes of machines they carry no
// information.
constexpr double kHeartbeats = 200, kHeartbeatsOfQuiet = 20;
// The range of a count of nanoseconds.
constexpr double kCenturies = 6e9;
// How many estimates are checked during the ideal time, and how close they must be.
constexpr double kEstimates = 100;
constexpr double kEstimateWithin = 0.15;

Duration duration(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}
double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

double processor_s() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

/// The result of every task: unused, and as large as a number.
const Bytes& blank_result() {
  static const Bytes blank = wire::bytes_of(wire::Int128{1} << 40);
  return blank;
}

Pace pace_of(const Scenario& scenario, const ScenarioMachine& machine, const wire::Lease& lease) {
  const double rate = machine.rates.at(lease.function);
  const std::vector<double>& sizes = scenario.jobs[BareClient::place_of(lease.job)].sizes;
  if (sizes.empty()) return {1 / rate, {}};
  Pace pace;
  double end = 0;
  for (const auto& interval : lease.tasks)
    for (std::uint64_t task = interval.begin; task < interval.end; ++task)
      pace.ends.push_back(end += sizes[task] / rate);
  return pace;
}

Machine machine_of(const Scenario& scenario, const std::map<std::string, Takes>& takes_of,
                   std::size_t number) {
  const ScenarioMachine& machine = scenario.machines[number];
  Machine made{number + 1, machine.slots, {}, {}, {}, blank_result()};
  for (const auto& [function, rate] : machine.rates) {
    const auto known = takes_of.find(function);
    const bool range = known != takes_of.end() && known->second == Takes::range;
    made.functions.push_back({function, range ? Takes::range : Takes::item,
                              range ? Encoding::value : Encoding::raw, range ? "sum" : "", false,
                              scenario.declared ? rate : 0});
  }
  made.pace = [&scenario, &machine](const wire::Lease& lease) {
    return pace_of(scenario, machine, lease);
  };
  return made;
}

void change(World& world, std::vector<std::shared_ptr<SimWorker>>& workers,
            const ScenarioChange& what) {
  SimWorker& worker = *workers[what.machine];
  switch (what.what) {
    case ScenarioChange::What::speed:
      worker.set_speed(what.value);
      break;
    case ScenarioChange::What::freeze:
      worker.frozen_until = world.now() + duration(what.value);
      break;
    case ScenarioChange::What::vanish:
      worker.die();
      break;
  }
}

double estimate_good(const BareClient& client) {
  double least = 1;
  for (std::size_t job = 0; job < client.estimates().size(); ++job) {
    const auto& told = client.estimates()[job];
    if (told.empty() || !client.ended()[job]) continue;
    const auto good = std::count_if(told.begin(), told.end(), [&](const auto& one) {
      const double left = seconds(*client.ended()[job] - one.at);
      return one.left_s >= 0 && std::abs(one.left_s - left) <= kEstimateWithin * left;
    });
    least = std::min(least, static_cast<double>(good) / static_cast<double>(told.size()));
  }
  return least;
}

}  // namespace

ScenarioOutcome play(const Scenario& scenario, const PlayOptions& options) {
  std::map<std::string, Takes> takes_of;
  for (const auto& job : scenario.jobs) takes_of[job.function] = job.takes;

  broker::Config config;
  config.incarnation = options.seed;
  config.store = false;
  // With tasks that take days, a heartbeat per second would be most of the simulation.
  const double heartbeats = scenario.changes.empty() ? kHeartbeatsOfQuiet : kHeartbeats;
  const auto heartbeat = std::max(
      std::chrono::milliseconds(1000),
      std::chrono::milliseconds(static_cast<std::int64_t>(scenario.ideal_s * 1000 / heartbeats)));
  config.heartbeat_busy = heartbeat;
  config.heartbeat_idle = 5 * heartbeat;
  config.lost_busy = 3 * heartbeat;
  config.lost_idle = 15 * heartbeat;
  World world(options.seed, config);
  world.healed = true;
  world.checked = false;
  world.timed = true;
  world.faults.latency = kOneWay;
  std::vector<std::shared_ptr<SimWorker>> workers;
  for (std::size_t number = 0; number < scenario.machines.size(); ++number) {
    workers.push_back(std::make_shared<SimWorker>(world, machine_of(scenario, takes_of, number),
                                                  worker::Mistake::none));
    workers.back()->start();
  }
  const auto client = std::make_shared<BareClient>(world, scenario.jobs.size());
  client->start();

  const Time begin = world.now() + kSettled;
  ScenarioOutcome outcome;
  if (options.shown_machines > 0)
    world.on_ran = [&](const Ran& ran) {
      if (ran.machine > options.shown_machines) return;
      outcome.runs.push_back({ran.machine - 1, ran.slot, BareClient::place_of(ran.lease.job),
                              ran.lease.tasks.empty() ? 0 : ran.lease.tasks[0].begin, ran.tasks,
                              seconds(ran.began - begin), seconds(world.now() - begin),
                              ran.reported});
    };
  const double before = processor_s();
  for (std::size_t i = 0; i < scenario.jobs.size(); ++i)
    world.at(begin + duration(scenario.jobs[i].at_s), nullptr,
             [&, i] { client->submit(i, scenario.jobs[i].function, scenario.jobs[i].tasks); });
  for (const auto& what : scenario.changes)
    world.at(begin + duration(what.at_s), nullptr, [&] { change(world, workers, what); });
  world.at(begin, nullptr, [&] { client->watch(duration(scenario.ideal_s / kEstimates)); });
  const auto done = [&] { return client->finished(); };
  world.run(begin + duration(std::min(kCenturies, scenario.ideal_s * kPatience + 60)), done);

  outcome.trouble = client->trouble();
  if (outcome.trouble.empty() && !done())
    outcome.trouble =
        "not done after " + std::to_string(seconds(world.now() - begin)) + " virtual seconds";
  for (std::size_t i = 0; i < scenario.jobs.size(); ++i) {
    const auto& end = client->ended()[i];
    outcome.jobs_s.push_back(end ? seconds(*end - begin) - scenario.jobs[i].at_s : -1);
    if (end) outcome.makespan_s = std::max(outcome.makespan_s, seconds(*end - begin));
  }
  for (const auto& worker : workers) outcome.busy_s.push_back(worker->busy_s());
  outcome.leases = world.core().counters().leases;
  const auto leases = static_cast<double>(std::max<std::uint64_t>(1, outcome.leases));
  outcome.cpu_us_per_lease = (processor_s() - before) * 1e6 / leases;
  outcome.core_us_per_lease = world.core_s * 1e6 / leases;
  outcome.settle_ms_most = world.settle_s_most * 1e3;
  outcome.plans = world.core().counters().plans;
  outcome.planning_ms = world.plan_s * 1e3;
  outcome.plan_slice_ms_most = world.plan_s_most * 1e3;
  outcome.estimate_good = estimate_good(*client);
  return outcome;
}

}  // namespace quern::sim
