// quern-gateway: wires the server, the routes and the sessions together.
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <thread>

#include "gateway/api/appending.hpp"
#include "gateway/api/audit.hpp"
#include "gateway/api/blobs.hpp"
#include "gateway/api/cluster.hpp"
#include "gateway/api/events.hpp"
#include "gateway/api/health.hpp"
#include "gateway/api/job_actions.hpp"
#include "gateway/api/jobs.hpp"
#include "gateway/api/login.hpp"
#include "gateway/api/parameters.hpp"
#include "gateway/api/results.hpp"
#include "gateway/api/schedules.hpp"
#include "gateway/api/seed.hpp"
#include "gateway/api/tasks.hpp"
#include "gateway/leases/routes.hpp"
#include "gateway/options.hpp"
#include "gateway/page/page.hpp"
#include "gateway/people/people.hpp"
#include "gateway/people/routes.hpp"

namespace {

using namespace quern::gateway;

// Calls wait for a round trip to the broker, streams for as long as a job runs.
constexpr std::size_t kCallThreads = 16, kCallsMost = 2000;
constexpr std::size_t kStreamThreads = 64, kStreamsMost = 16;
constexpr double kSweep_s = 10, kPeopleSweep_s = 1;

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

/// Serves people who wait, and ends locks.
void sweep(Api& api, People& people) {
  api.run([&people] { people.sweep(); });
  api.server().after(kPeopleSweep_s, [&api, &people] { sweep(api, people); });
}

int serve(Options options, const sigset_t& signals) {
  Sessions sessions(options.broker, LoginCookies(LoginCookies::key_in(options.login_key),
                                                 options.server.tls.has_value()));
  Callers calls(kCallThreads, kCallsMost);
  Callers streams(kStreamThreads, kStreamsMost);
  Callers uploads(kStreamThreads, kStreamsMost);
  Api api(sessions, calls, streams, uploads);
  HttpMetrics metrics;
  Seed seed(api, options.seed_token, options.state);
  Login login(api, options.login_token);
  JobCache cache(api);
  Events events(api);
  auto pull_workers = std::make_unique<pull::PullWorkers>(options.broker);
  People people(api, *pull_workers, options.people_token, options.people);
  Routes routes;
  events.add_routes(routes);
  seed.add_routes(routes);
  login.add_routes(routes);
  add_job_routes(routes, api, cache);
  add_job_actions(routes, api, cache);
  add_append_routes(routes, api, cache);
  add_result_routes(routes, api);
  add_task_routes(routes, api);
  add_blob_routes(routes, api, options.upload_wait);
  add_schedule_routes(routes, api);
  add_cluster_routes(routes, api);
  add_lease_routes(routes, api, *pull_workers, people);
  add_people_routes(routes, api, people);
  add_audit_route(routes, api, options.audit);
  add_health_routes(routes, api, metrics, events, options.seed_token);
  add_page_routes(routes);
  restrict_parameters(routes);
  Server server(std::move(options.server), std::move(routes),
                [&metrics](const std::string& route, unsigned status, double seconds) {
                  metrics.observe(route, status, seconds);
                });
  api.use(server);
  server.post([&api, &people] {
    sweep(api);
    sweep(api, people);
  });
  std::thread io([&server] { server.run(); });
  std::string ready = "ready " + server.url();
  if (!login.code().empty()) ready += " " + server.url() + "/#login=" + login.code();
  std::printf("%s\n", ready.c_str());
  std::fflush(stdout);
  int number = 0;
  sigwait(&signals, &number);
  pull_workers->stop();  // before the server: clients that wait get their answers
  server.stop();
  io.join();
  // All exchanges are over, so nothing waits for long; what runs still uses the server.
  streams.stop();
  uploads.stop();
  calls.stop();
  pull_workers.reset();  // its threads use `people`
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
