// `quern up`: a broker and workers on this machine in the foreground. Restarts nothing; stops
// everything when it is stopped.
#include <csignal>
#include <ctime>
#include <iostream>
#include <set>

#include "cli/commands/command.hpp"
#include "cli/commands/key_files.hpp"
#include "cli/output/console.hpp"
#include "cli/output/json.hpp"
#include "cli/process/cluster.hpp"
#include "cli/syntax/options.hpp"
#include "keys/files.hpp"

namespace quern::cli {
namespace {

using namespace std::chrono_literals;

constexpr Manual kUpManual = {
    "quern up [--workers N] [--slots N] [--bind ENDPOINT] [--http ADDRESS]",
    "Runs a broker, workers and the HTTP gateway on this machine until Ctrl-C. The workers also "
    "run programs (`quern "
    "map`) for every key that may submit: the keys of this user, unless you invite others.",
    "  quern up\n  quern up --workers 2 --slots 1 --bind tcp://127.0.0.1:7700\n"
    "  quern up --http 127.0.0.1:8080\n"};

constexpr char kDefaultBind[] = "tcp://127.0.0.1:7600";
constexpr char kDefaultHttp[] = "127.0.0.1:7680";
constexpr auto kDrain = 5s;  ///< how long running tasks may continue after Ctrl-C
constexpr unsigned kWorkersMax = 256;
constexpr unsigned kSlotsMax = 4096;

ClusterPlan plan_of(const Given& given) {
  ClusterPlan plan;
  plan.bind = given.get_or<std::string>("bind", given.endpoint());
  plan.workers = given.get_or<unsigned>("workers", 1);
  if (plan.workers > kWorkersMax)
    throw UsageError("--workers takes 0 to " + std::to_string(kWorkersMax));
  plan.slots =
      given.get_or<unsigned>("slots", std::max(1u, usable_cores() / std::max(1u, plan.workers)));
  if (plan.slots < 1 || plan.slots > kSlotsMax)
    throw UsageError("--slots takes 1 to " + std::to_string(kSlotsMax));
  plan.broker_options = {"--log-level", "warning"};
  // Allowed by default, because the broker and the keys that may submit belong to this user, who
  // could run the same programs anyway.
  for (const char* name : {"keep", "keep-bytes"})
    if (given.has(name))
      plan.broker_options.insert(plan.broker_options.end(),
                                 {std::string("--") + name, given.get<std::string>(name)});
  if (!given.flag("no-exec")) plan.worker_options.emplace_back("--allow-exec");
  for (auto* options : {&plan.broker_options, &plan.worker_options}) {
    if (given.flag("insecure")) options->emplace_back("--insecure");
    if (given.has("keys")) options->insert(options->end(), {"--keys", given.keys()});
  }
  return plan;
}

std::string counted(std::size_t count, const std::string& word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

/// A file with the token of a key of this machine, which is made when it is first needed.
std::string token_file(const std::string& folder, keys::Grant grant) {
  const std::string file = folder + "/issued/" + grant.name + ".token";
  if (keys::is_there(file)) return file;
  grant.from = {"127.0.0.1", "::1"};
  keys::make_folder(folder + "/issued");
  keys::write_file(file, add_token(folder, grant) + "\n");
  return file;
}

/// As which clients on this machine may use /add_task and /get_result.
std::string seed_token(const std::string& folder) {
  keys::Grant grant;
  grant.name = "seed";
  grant.roles = keys::roles_of("submit,read");
  grant.functions = {"sum"};
  return token_file(folder, grant);
}

/// As which the link of `quern up` logs a browser in.
std::string page_token(const std::string& folder) {
  keys::Grant grant;
  grant.name = "page";
  grant.roles = keys::roles_of("submit,work,read,admin");
  return token_file(folder, grant);
}

/// Starts the gateway; its address, or nothing and a word about why.
std::optional<HttpAddress> start_http(const Given& given, Cluster& cluster, Console& console) {
  if (given.flag("no-http")) return std::nullopt;
  const bool chosen = given.has("http");
  std::vector<std::string> options{"--listen", given.get_or<std::string>("http", kDefaultHttp)};
  try {
    if (given.flag("insecure")) {
      options.emplace_back("--insecure");
    } else {
      const std::string folder = keys_folder(given);
      options.insert(options.end(),
                     {"--keys", folder, "--seed-token", seed_token(folder), "--login-token",
                      page_token(folder), "--people-token", page_token(folder)});
    }
    auto address = cluster.start_gateway(options);
    if (!address && chosen) throw UsageError("the HTTP gateway does not start at " + options[1]);
    if (!address) console.say("HTTP is off; choose another address with --http HOST:PORT");
    return address;
  } catch (const UsageError&) {
    if (chosen) throw;
    console.say(
        "HTTP is off: a key of the name `seed` or `page` exists, but its token does not "
        "(`quern keys revoke seed page`)");
  } catch (const std::exception& error) {
    if (chosen) throw UsageError(error.what());
    console.say(std::string("HTTP is off: ") + error.what());
  }
  return std::nullopt;
}

void introduce(const ClusterPlan& plan, Cluster& cluster, const std::optional<HttpAddress>& http,
               bool json, Console& console) {
  if (json) {
    Json object = {{"broker", cluster.endpoint()},
                   {"broker_pid", cluster.broker().pid()},
                   {"workers", plan.workers},
                   {"slots", plan.slots}};
    if (http) object["http"] = http->url;
    if (http && !http->login.empty()) object["login"] = http->login;
    std::cout << line_of(object) << std::flush;
    return;
  }
  console.say("broker at " + cluster.endpoint() + " (process " +
              std::to_string(cluster.broker().pid()) + ")");
  for (Child& worker : cluster.workers())
    console.say("worker with " + counted(plan.slots, "slot") + " (process " +
                std::to_string(worker.pid()) + ")");
  const bool usual = cluster.endpoint() == kDefaultBind;
  const std::string prefix = usual ? "" : "QUERN_BROKER=" + cluster.endpoint() + " ";
  console.say("try in another terminal: " + prefix + "quern run sum --range 1:101");
  if (http) {
    console.say("watch it in a browser: " + (http->login.empty() ? http->url : http->login));
    console.say("HTTP at " + http->url + ": curl -X POST " + http->url +
                "/add_task -d '{\"task\": 100}'");
    console.say("or with a token (`quern keys token me --role submit,read`): " + http->url +
                "/v1/jobs");
  }
  console.say("Ctrl-C stops everything");
}

sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&set, number);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  return set;
}

/// Reports workers that ended by themselves.
void look_at_workers(Cluster& cluster, std::set<pid_t>& told, Console& console) {
  for (Child& worker : cluster.workers()) {
    const auto ending = worker.ended();
    if (!ending || !told.insert(worker.pid()).second) continue;
    console.say("worker (process " + std::to_string(worker.pid()) + ") ended with exit code " +
                std::to_string(ending->shell_code()));
  }
}

/// Runs until a signal arrives (Exit::done) or the broker has ended (Exit::failed).
Exit attend(Cluster& cluster, const sigset_t& signals, Console& console) {
  std::set<pid_t> told;
  std::vector<pid_t> own{cluster.broker().pid()};
  if (cluster.gateway()) own.push_back(cluster.gateway()->pid());
  for (const Child& worker : cluster.workers()) own.push_back(worker.pid());
  for (;;) {
    if (cluster.broker().ended()) {
      console.say("the broker ended; stopping");
      return Exit::failed;
    }
    look_at_workers(cluster, told, console);
    if (cluster.gateway() && cluster.gateway()->ended()) {
      console.say("the HTTP gateway ended; the broker goes on");
      cluster.gateway().reset();
    }
    reap_orphans(own);
    const int number = ::sigwaitinfo(&signals, nullptr);
    if (number > 0 && number != SIGCHLD) return Exit::done;
  }
}

}  // namespace

Syntax up_syntax() {
  Syntax syntax(kUpManual);
  auto add = syntax.add();
  add("workers", option<unsigned>("N"), "number of workers; default 1");
  add("slots", option<unsigned>("N"), "slots of each worker; default: the workers share all cores");
  add("no-exec", flag(), "do not let the workers run programs, only functions");
  add("keep", option<std::string>("S"),
      "seconds to keep ended jobs; default: a week if detached or with a unique key, else an hour");
  add("keep-bytes", option<std::string>("BYTES"),
      "space in the store for results that are kept to be fetched; default 16G");
  add("bind", option<std::string>("ENDPOINT"),
      "default: that of --broker or QUERN_BROKER, else tcp://127.0.0.1:7600");
  add("http", option<std::string>("ADDRESS"),
      "where to serve HTTP, HOST:PORT; default 127.0.0.1:7680, if it is free");
  add("no-http", flag(), "do not serve HTTP");
  return syntax;
}

Exit up(const Arguments& arguments) {
  const auto given = up_syntax().parse(arguments);
  if (!given) return Exit::done;
  const ClusterPlan plan = plan_of(*given);
  const sigset_t signals = block_signals();
  Console console;
  try {
    Cluster cluster(plan);
    const auto http = start_http(*given, cluster, console);
    introduce(plan, cluster, http, given->json(), console);
    const Exit exit = attend(cluster, signals, console);
    console.say("stopping");
    sigset_t again;  // a second Ctrl-C ends this process at once, and the children with it
    sigemptyset(&again);
    sigaddset(&again, SIGINT);
    sigprocmask(SIG_UNBLOCK, &again, nullptr);
    cluster.stop(kDrain);
    return exit;
  } catch (const BrokerFailed& failure) {
    // The broker has printed the reason. If the port is in use, the code is that of "no broker".
    return failure.code == static_cast<int>(Exit::usage) ? Exit::usage : Exit::no_broker;
  }
}

}  // namespace quern::cli
