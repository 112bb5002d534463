#include "sim/faults_run.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>

#include "sim/sim_client.hpp"
#include "sim/sim_worker.hpp"

namespace quern::sim {
namespace {

Expectation random_job(World& world) {
  Expectation job;
  job.kind = static_cast<Expectation::Kind>(world.below(6));
  if (job.kind == Expectation::Kind::sum) {
    job.begin = static_cast<std::int64_t>(world.below(2000)) - 1000;
    job.end =
        job.begin + static_cast<std::int64_t>(world.below(world.chance(0.3) ? 2'000'000 : 1000));
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

}  // namespace

FaultsOutcome run_under_faults(std::uint64_t seed, const Mistakes& mistakes, Features features) {
  broker::Config config;
  config.incarnation = seed + 1;
  config.memory_limit = 1 << 20;
  config.store = seed % 4 != 0;  // one in four runs has no store, and its broker does not crash
  config.mistake = mistakes.broker;
  config.crash_limit = 50;  // here workers die of faults, never because of a task
  World world(seed, config);
  std::vector<std::shared_ptr<SimWorker>> workers;
  std::uint64_t last_worker = 0;
  const auto add_worker = [&] {
    const auto slots = 1 + static_cast<std::uint32_t>(world.below(4));
    auto worker = std::make_shared<SimWorker>(
        world,
        usual_machine(world, ++last_worker, slots, 0.2 + 5 * world.uniform() * world.uniform()),
        mistakes.worker);
    workers.push_back(worker);
    worker->start();
  };
  const std::uint64_t worker_count = 2 + world.below(8);
  for (std::uint64_t i = 0; i < worker_count; ++i)
    world.after(std::chrono::milliseconds(world.below(500)), nullptr, add_worker);

  std::vector<std::shared_ptr<SimClient>> clients;
  const std::uint64_t client_count = 1 + world.below(4);
  for (std::uint64_t i = 1; i <= client_count; ++i) {
    auto client = std::make_shared<SimClient>(world, i);
    clients.push_back(client);
    if (features.edges) client->with_edges();
    if (features.nested) client->with_nested();
    client->start();
    const std::uint64_t jobs = 1 + world.below(5);
    for (std::uint64_t j = 0; j < jobs; ++j)
      world.after(std::chrono::milliseconds(world.below(10'000)), client,
                  [&world, client] { client->submit(random_job(world)); });
  }

  std::deque<std::function<void()>>
      faults;  // each schedules itself again, so they live here and not in their own closures
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
    repeat(world.faults.crash_every, [&] {
      world.crash(std::chrono::milliseconds(10 + world.below(world.chance(0.8) ? 500 : 5000)));
    });
    repeat(world.faults.full_every, [&] { world.fill_disk(world.exponential(500ms)); });
  }

  // After a restart of the broker, tasks of a live worker must not be granted to another. A worker
  // that was recently frozen or cut off may have lost them.
  std::string rerun;
  std::map<std::pair<Uuid, std::uint64_t>, int> starts;  // of at-most-once tasks
  world.on_run = [&](const Actor& runner, const wire::Lease& lease) {
    const bool tasks =
        lease.kind != wire::LeaseKind::merge && lease.kind != wire::LeaseKind::finish;
    if (tasks && lease.once && ++starts[{lease.job, lease.tasks.front().begin}] > 1)
      rerun = "a task that may be started once was started twice";
    // A task that is not idempotent must not run twice at once, except when its worker was
    // unreachable: it may continue there, or start from the queue before the worker learns of the
    // new lease.
    const bool was_away = runner.disturbed + 30s > world.now();
    if (tasks && !was_away && (lease.function == "flaky" || lease.function == "doomed")) {
      for (const auto& worker : workers) {
        if (worker.get() == &runner || worker->dead || worker->disturbed + 30s > world.now())
          continue;
        if (worker->is_running(lease.job, lease.tasks))
          rerun = "a task that is not idempotent was started while it ran elsewhere";
      }
    }
    if (!tasks || world.restarts() == 0 || world.now() > world.restarted() + config.recovery_wait)
      return;
    if (lease.lease.incarnation != world.restarts() + 1) return;
    for (const auto& worker : workers) {
      if (worker.get() == &runner || worker->dead || worker->disturbed + 30s > world.now())
        continue;
      if (worker->holds(lease.job, lease.tasks, lease.lease.incarnation))
        rerun = "a task was given out again that a live worker held";
    }
  };

  const Time begin = world.now();
  const auto done = [&] {
    return world.now() > begin + 11s &&
           std::all_of(clients.begin(), clients.end(), [](const auto& c) { return c->finished(); });
  };
  world.run(begin + 40s, done);
  world.healed = true;
  world.run(begin + 400s, done);

  FaultsOutcome outcome;
  outcome.steps = world.steps;
  outcome.virtual_s = std::chrono::duration<double>(world.now() - begin).count();
  for (const auto& client : clients) {
    outcome.jobs += client->jobs();
    if (!client->finished())
      outcome.trouble = "stuck:" + client->unfinished();
    else if (outcome.trouble.empty())
      outcome.trouble = client->verdict();
  }
  if (outcome.trouble.empty()) outcome.trouble = rerun;
  // Jobs that tasks have submitted end with the jobs of these tasks.
  if (outcome.trouble.empty() && features.nested && world.broker_up())
    if (const std::uint64_t live = world.core().status(world.now()).jobs; live > 0)
      outcome.trouble = std::to_string(live) + " nested jobs outlived their parents";
  outcome.restarts = world.restarts();
  return outcome;
}

std::string found_by(std::uint64_t seed, const Mistakes& mistakes) {
  int ends[2];
  if (pipe(ends) != 0) return "cannot make a pipe";
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    const bool edges = mistakes.broker == broker::Mistake::lose_wakeup;
    const auto outcome = run_under_faults(seed, mistakes, {.edges = edges});
    std::fprintf(stderr, "%s", outcome.trouble.c_str());
    std::_Exit(outcome.trouble.empty() ? 0 : 1);
  }
  close(ends[1]);
  std::string text;
  char bytes[512];
  for (ssize_t n; (n = read(ends[0], bytes, sizeof bytes)) > 0;)
    text.append(bytes, static_cast<std::size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (status == 0) return {};
  return text.substr(0, text.find('\n'));
}

}  // namespace quern::sim
