// quern-sim: runs the production cores in virtual time under faults, one seed a run, and checks every answer.
#include <sys/wait.h>
#include <unistd.h>

#include <boost/program_options.hpp>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>

#include "sim/scenario.hpp"
#include "sim/sim_client.hpp"
#include "sim/sim_worker.hpp"

namespace po = boost::program_options;

namespace quern::sim {
namespace {

Expectation random_job(World& world) {
  Expectation job;
  job.kind = static_cast<Expectation::Kind>(world.below(6));
  if (job.kind == Expectation::Kind::sum) {
    job.begin = static_cast<std::int64_t>(world.below(2000)) - 1000;
    job.end = job.begin + static_cast<std::int64_t>(world.below(world.chance(0.3) ? 2'000'000 : 1000));
    return job;
  }
  const std::uint64_t n = world.below(world.chance(0.2) ? 3000 : 200);
  const bool uniform = world.chance(0.5);
  for (std::uint64_t i = 0; i < n; ++i) {
    Bytes item = std::to_string(i) + ":";
    item.append(uniform ? 16 - item.size() : world.below(60), 'x');
    job.items.push_back(std::move(item));
  }
  return job;
}

struct Mistakes {
  broker::Mistake broker = broker::Mistake::none;
  worker::Mistake worker = worker::Mistake::none;
};

struct Outcome {
  std::string trouble;
  std::uint64_t steps = 0;
  std::uint64_t jobs = 0;
  double virtual_s = 0;
  std::uint64_t restarts = 0;
};

/// Faults for a while, then everything heals and must finish; every answer is checked.
Outcome run(std::uint64_t seed, const Mistakes& mistakes) {
  broker::Config config;
  config.incarnation = seed + 1;
  config.memory_limit = 1 << 20;
  config.store = seed % 4 != 0;  // one in four without a store: then its broker does not crash
  config.mistake = mistakes.broker;
  config.crash_limit = 50;  // here workers die of faults, never of a task
  World world(seed, config);
  std::vector<std::shared_ptr<SimWorker>> workers;
  std::uint64_t last_worker = 0;
  const auto add_worker = [&] {
    const auto slots = 1 + static_cast<std::uint32_t>(world.below(4));
    auto worker = std::make_shared<SimWorker>(world, usual_machine(world, ++last_worker, slots, 0.2 + 5 * world.uniform() * world.uniform()),
                                              mistakes.worker);
    workers.push_back(worker);
    worker->start();
  };
  const std::uint64_t worker_count = 2 + world.below(8);
  for (std::uint64_t i = 0; i < worker_count; ++i) world.after(std::chrono::milliseconds(world.below(500)), nullptr, add_worker);

  std::vector<std::shared_ptr<SimClient>> clients;
  const std::uint64_t client_count = 1 + world.below(4);
  for (std::uint64_t i = 1; i <= client_count; ++i) {
    auto client = std::make_shared<SimClient>(world, i);
    clients.push_back(client);
    client->start();
    const std::uint64_t jobs = 1 + world.below(5);
    for (std::uint64_t j = 0; j < jobs; ++j)
      world.after(std::chrono::milliseconds(world.below(10'000)), client, [&world, client] { client->submit(random_job(world)); });
  }

  std::deque<std::function<void()>> faults;  // each plans itself anew, so they live here, not in their own closures
  const auto repeat = [&](Duration mean, std::function<void()> fault) {
    auto& again = faults.emplace_back();
    again = [&world, mean, fault, &again] {
      if (world.healed) return;
      fault();
      world.after(world.exponential(mean), nullptr, again);
    };
    world.after(world.exponential(mean), nullptr, again);
  };
  repeat(world.faults.cut_every, [&] {
    auto wire = world.any_wire();
    if (!wire) return;
    if (auto owner = wire->owner.lock()) owner->disturbed = world.now();
    world.sever(wire, world.chance(0.7));
  });
  repeat(world.faults.freeze_every, [&] {
    if (workers.empty()) return;
    auto& worker = *workers[world.below(workers.size())];
    worker.frozen_until = worker.disturbed = world.now() + world.exponential(3s);
  });
  repeat(world.faults.kill_every, [&] {
    if (workers.empty()) return;
    const std::size_t i = world.below(workers.size());
    if (world.chance(0.3)) {
      workers[i]->stop();
    } else {
      workers[i]->die();
      workers.erase(workers.begin() + static_cast<std::ptrdiff_t>(i));
    }
    add_worker();
  });

  if (config.store) {
    repeat(world.faults.crash_every, [&] { world.crash(std::chrono::milliseconds(10 + world.below(world.chance(0.8) ? 500 : 5000))); });
    repeat(world.faults.full_every, [&] { world.fill_disk(world.exponential(500ms)); });
  }

  // What a live worker holds is not given to another after a restart of the broker. Who was frozen or cut off lately may have lost it.
  std::string rerun;
  world.on_run = [&](const Actor& runner, const wire::Lease& lease) {
    const bool tasks = lease.kind != wire::LeaseKind::merge && lease.kind != wire::LeaseKind::finish;
    if (!tasks || world.restarts() == 0 || world.now() > world.restarted() + config.recovery_wait) return;
    if (lease.lease.incarnation != world.restarts() + 1) return;
    for (const auto& worker : workers) {
      if (worker.get() == &runner || worker->dead || worker->disturbed + 30s > world.now()) continue;
      if (worker->holds(lease.job, lease.tasks, lease.lease.incarnation)) rerun = "a task was given out again that a live worker held";
    }
  };

  const Time begin = world.now();
  const auto done = [&] {
    return world.now() > begin + 11s && std::all_of(clients.begin(), clients.end(), [](const auto& c) { return c->finished(); });
  };
  world.run(begin + 40s, done);
  world.healed = true;
  world.run(begin + 400s, done);

  Outcome outcome;
  outcome.steps = world.steps;
  outcome.virtual_s = std::chrono::duration<double>(world.now() - begin).count();
  for (const auto& client : clients) {
    outcome.jobs += client->jobs();
    if (!client->finished()) outcome.trouble = "stuck:" + client->unfinished();
    else if (outcome.trouble.empty()) outcome.trouble = client->verdict();
  }
  if (outcome.trouble.empty()) outcome.trouble = rerun;
  outcome.restarts = world.restarts();
  return outcome;
}

}  // namespace
}  // namespace quern::sim

namespace {

/// Plays a case and prints what came of it; the exit code.
int show(const quern::sim::Scenario& scenario, std::uint64_t seed, double at_most) {
  const auto outcome = quern::sim::play(scenario, seed);
  nlohmann::ordered_json object = {{"scenario", scenario.name},
                                   {"seed", seed},
                                   {"makespan", outcome.makespan_s},
                                   {"ideal", scenario.ideal_s},
                                   {"ratio", outcome.makespan_s / scenario.ideal_s},
                                   {"leases", outcome.leases},
                                   {"cpu_us_per_lease", outcome.core_us_per_lease}};
  if (scenario.jobs.size() <= 16) object["jobs_s"] = outcome.jobs_s;
  if (scenario.machines.size() <= 64) object["busy_s"] = outcome.busy_s;
  if (!outcome.trouble.empty()) object["trouble"] = outcome.trouble;
  std::cout << object << '\n';
  return outcome.trouble.empty() && (at_most <= 0 || outcome.makespan_s <= at_most * scenario.ideal_s) ? 0 : 1;
}

/// Runs a seed in a process of its own: a mistake may also show as an invariant that aborts. What was found; empty when nothing was.
std::string found_by(std::uint64_t seed, const quern::sim::Mistakes& mistakes) {
  int ends[2];
  if (pipe(ends) != 0) return "cannot make a pipe";
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    const auto outcome = quern::sim::run(seed, mistakes);
    std::fprintf(stderr, "%s", outcome.trouble.c_str());
    std::_Exit(outcome.trouble.empty() ? 0 : 1);
  }
  close(ends[1]);
  std::string text;
  char bytes[512];
  for (ssize_t n; (n = read(ends[0], bytes, sizeof bytes)) > 0;) text.append(bytes, static_cast<std::size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (status == 0) return {};
  return text.substr(0, text.find('\n'));
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = 1, seeds = 100;
  bool verbose = false, chaos = false, fresh = false;
  std::string mistake, scenario, etc;
  double at_most = 0;
  po::options_description all("Options");
  all.add_options()("seed", po::value(&seed), "first seed (default 1)")("seeds", po::value(&seeds), "how many (default 100)")(
      "chaos", po::bool_switch(&chaos), "faults of network, disk and processes (the usual run, so it may be left out)")(
      "mistake", po::value(&mistake), "make one on purpose: acknowledge-early, forget-frontier, forget-outbox; exit 0 when a seed finds it")(
      "scenario", po::value(&scenario), "play a case for the scheduler, without faults, and print its makespan as JSON; `list` names them")(
      "etc", po::value(&etc), "the same for an ETC file: a time per task and machine, known to the scheduler; a unit is a second")(
      "at-most", po::value(&at_most), "of a case: exit 1 when it takes more than so many times its ideal")(
      "fresh", po::bool_switch(&fresh), "seeds that nobody has seen; a failing one is printed")(
      "verbose", po::bool_switch(&verbose), "a line per seed")("help", "print this");
  po::variables_map given;
  try {
    po::store(po::parse_command_line(argc, argv, all), given);
    po::notify(given);
  } catch (const po::error& error) {
    std::cerr << "quern-sim: " << error.what() << " (see quern-sim --help)\n";
    return 2;
  }
  if (given.contains("help")) {
    std::cout << "Usage: quern-sim [--seed N] [--seeds COUNT]\n       quern-sim --scenario NAME|list [--seed N]\n       quern-sim --etc FILE\n"
                 "Runs the broker's, workers' and clients' cores in virtual time: under faults, checking every answer, or without, to see how well "
                 "work is shared out.\n\n"
              << all << "\nExamples:\n  quern-sim --seed 1 --seeds 600\n  quern-sim --scenario rates-1-2-3\n";
    return 0;
  }
  try {
    if (scenario == "list") {
      for (const auto& name : quern::sim::scenario_names()) std::cout << name << '\n';
      return 0;
    }
    if (!scenario.empty()) return show(quern::sim::scenario_named(scenario, seed), seed, at_most);
    if (!etc.empty()) return show(quern::sim::scenario_of_etc(etc), seed, at_most);
  } catch (const std::exception& error) {
    std::cerr << "quern-sim: " << error.what() << '\n';
    return 2;
  }
  if (fresh) seed = std::random_device{}();
  quern::sim::Mistakes mistakes;
  if (mistake == "acknowledge-early") mistakes.broker = quern::broker::Mistake::acknowledge_early;
  else if (mistake == "forget-frontier") mistakes.broker = quern::broker::Mistake::forget_frontier;
  else if (mistake == "forget-outbox") mistakes.worker = quern::worker::Mistake::forget_outbox;
  else if (!mistake.empty()) {
    std::cerr << "quern-sim: --mistake takes acknowledge-early, forget-frontier or forget-outbox, not '" << mistake << "'\n";
    return 2;
  }
  std::uint64_t failed = 0, steps = 0, jobs = 0, restarts = 0;
  for (std::uint64_t s = seed; s < seed + seeds; ++s) {
    if (verbose) std::printf("seed %llu\n", static_cast<unsigned long long>(s)), std::fflush(stdout);
    if (!mistake.empty()) {
      const std::string what = found_by(s, mistakes);
      if (what.empty()) continue;
      std::printf("seed %llu finds it: %s\n", static_cast<unsigned long long>(s), what.c_str());
      return 0;
    }
    const auto outcome = quern::sim::run(s, mistakes);
    restarts += outcome.restarts;
    steps += outcome.steps;
    jobs += outcome.jobs;
    if (verbose) std::printf("  %llu steps, %.1f virtual s\n", static_cast<unsigned long long>(outcome.steps), outcome.virtual_s);
    if (outcome.trouble.empty()) continue;
    ++failed;
    std::printf("seed %llu: %s\n  again with: quern-sim --seed %llu --seeds 1\n", static_cast<unsigned long long>(s),
                outcome.trouble.c_str(), static_cast<unsigned long long>(s));
  }
  if (!mistake.empty()) {
    std::printf("%llu seeds did not find the mistake\n", static_cast<unsigned long long>(seeds));
    return 1;
  }
  std::printf("%llu seeds, %llu jobs, %llu restarts of the broker, %llu steps, %llu failed\n", static_cast<unsigned long long>(seeds),
              static_cast<unsigned long long>(jobs), static_cast<unsigned long long>(restarts), static_cast<unsigned long long>(steps),
              static_cast<unsigned long long>(failed));
  return failed == 0 ? 0 : 1;
}
