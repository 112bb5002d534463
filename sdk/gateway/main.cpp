// quern-gateway: wires the server, the routes and the sessions together.
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <thread>

#include "gateway/api/cluster.hpp"
#include "gateway/api/events.hpp"
#include "gateway/api/health.hpp"
#include "gateway/api/jobs.hpp"
#include "gateway/api/results.hpp"
#include "gateway/api/seed.hpp"
#include "gateway/options.hpp"
#include "gateway/pull/routes.hpp"

namespace {

using namespace quern::gateway;

// Calls wait for a round trip to the broker, streams for as long as a job runs.
constexpr std::size_t kCallThreads = 16, kCallsMost = 2000;
constexpr std::size_t kStreamThreads = 64, kStreamsMost = 64;
constexpr double kSweep_s = 10;

/// SIGINT and SIGTERM wait until they are asked for, in every thread.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM}) sigaddset(&set, number);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return set;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Closes idle sessions now and then.
void sweep(Api& api) {
  api.run([&api] { api.sessions().sweep(); });
  api.server().after(kSweep_s, [&api] { sweep(api); });
}

int serve(Options options, const sigset_t& signals) {
  Sessions sessions(options.broker);
  Callers calls(kCallThreads, kCallsMost);
  Callers streams(kStreamThreads, kStreamsMost);
  Api api(sessions, calls, streams);
  HttpMetrics metrics;
  Seed seed(api, options.seed_token, options.state);
  JobCache cache(api);
  Events events(api);
  pull::PullWorkers pull_workers(options.broker);
  Routes routes;
  events.add_routes(routes);
  seed.add_routes(routes);
  add_job_routes(routes, api, cache);
  add_result_routes(routes, api);
  add_cluster_routes(routes, api);
  add_pull_routes(routes, api, pull_workers);
  add_health_routes(routes, api, metrics, options.seed_token);
  Server server(std::move(options.server), std::move(routes),
                [&metrics](const std::string& route, unsigned status, double seconds) {
                  metrics.observe(route, status, seconds);
                });
  api.use(server);
  server.post([&api] { sweep(api); });
  std::thread io([&server] { server.run(); });
  std::printf("ready %s\n", server.url().c_str());
  std::fflush(stdout);
  int number = 0;
  sigwait(&signals, &number);
  pull_workers.stop();  // before the server: clients that wait get their answers
  server.stop();
  io.join();
  // All exchanges are over, so nothing waits for long; what runs still uses the server.
  streams.stop();
  calls.stop();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  auto parsed = parse_options(argc, argv);
  if (!parsed.options) return parsed.exit_code;
  const sigset_t signals = block_signals();
  raise_descriptor_limit();
  try {
    return serve(std::move(*parsed.options), signals);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "quern-gateway: %s\n", error.what());
    return 2;
  }
}
