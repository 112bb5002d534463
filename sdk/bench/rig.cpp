#include "bench/rig.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <stdexcept>

#include "bench/measure.hpp"

namespace quern::bench {
namespace {

using namespace std::chrono_literals;
using cli::option;

constexpr auto kWorkersWait = 15s;
constexpr auto kRigLook = 5ms;
constexpr auto kLookout = 3s;  // rarely enough not to affect the measurement

/// Counts connected workers that offer the function. The broker lists lost workers for an hour.
std::size_t useful_workers(Client& client) {
  const auto workers = client.workers();
  return static_cast<std::size_t>(
      std::count_if(workers.begin(), workers.end(), [](const WorkerStatus& worker) {
        return worker.state != "lost" &&
               std::any_of(worker.functions.begin(), worker.functions.end(),
                           [](const FunctionDecl& function) { return function.name == "noop"; });
      }));
}

void check_choices(const cli::Given& given) {
  const auto store = given.get_or<std::string>("store", "none");
  const auto encrypt = given.get_or<std::string>("encrypt", "off");
  if (store != "none" && store != "durable")
    throw cli::UsageError("--store takes none or durable, not '" + store + "'");
  if (encrypt != "on" && encrypt != "off")
    throw cli::UsageError("--encrypt takes off or on, not '" + encrypt + "'");
}

unsigned at_least_one(const cli::Given& given, const char* name) {
  const auto number = given.get_or<unsigned>(name, 1);
  if (number < 1 || number > 4096)
    throw cli::UsageError("--" + std::string(name) + " takes 1 to 4096");
  return number;
}

bool is_encrypted(const cli::Given& given) {
  return given.get_or<std::string>("encrypt", "off") == "on";
}

cli::ClusterPlan plan_of(const cli::Given& given, const std::string& folder) {
  cli::ClusterPlan plan;
  plan.bind = "tcp://127.0.0.1:0";
  plan.workers = at_least_one(given, "workers");
  plan.slots = at_least_one(given, "slots");
  plan.broker_options = {"--log-level", "warning"};
  if (is_encrypted(given)) {
    plan.broker_options.insert(plan.broker_options.end(),
                               {"--keys", folder + "/keys", "--audit", folder + "/audit"});
    plan.worker_options = {"--keys", folder + "/keys"};
  } else {
    plan.broker_options = {"--insecure", "--log-level",
                           "error"};  // hides the warning about --insecure, which was requested
    plan.worker_options = {"--insecure"};
  }
  if (given.get_or<std::string>("store", "none") == "durable")
    plan.broker_options.insert(plan.broker_options.end(), {"--store", folder + "/store"});
  else
    plan.broker_options.emplace_back("--no-store");
  return plan;
}

bool broker_is_given(const cli::Given& given) {
  return given.has("broker") || std::getenv("QUERN_BROKER") != nullptr;
}

}  // namespace

void add_rig_options(cli::Syntax& syntax) {
  auto add = syntax.add();
  add("workers", option<unsigned>("N"), "number of workers that it starts; default 1");
  add("slots", option<unsigned>("N"), "slots of each worker; default 1");
  add("store", option<std::string>("none|durable"),
      "store of the broker that it starts; default none");
  add("encrypt", option<std::string>("off|on"), "encryption of the connections; default off");
}

BenchFolder::BenchFolder() {
  // /var/tmp outlives a restart by the file hierarchy standard, so it is a disk; /tmp may be
  // memory.
  std::string pattern = "/var/tmp/quern-bench-XXXXXX";
  if (!::mkdtemp(pattern.data()))
    throw std::runtime_error("cannot create a folder for the store and the keys in /var/tmp");
  path_ = pattern;
}

BenchFolder::~BenchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Rig::Rig(const cli::Given& given) {
  check_choices(given);
  baseline_.emplace();
  ClientOptions options = given.client();
  if (!broker_is_given(given)) {
    folder_.emplace();
    const cli::ClusterPlan plan = plan_of(given, folder_->path());
    cluster_.emplace(plan);
    options.endpoint = cluster_->endpoint();
    options.insecure = !is_encrypted(given);
    options.keys = folder_->path() + "/keys";
    client_.emplace(options);
    wait_for_workers(plan.workers);
  } else {
    client_.emplace(options);
    wait_for_workers(1);
  }
  lookout_.emplace(*client_);
}

void Rig::wait_for_workers(std::size_t count) {
  const auto start = Clock::now();
  while (useful_workers(*client_) < count) {
    if (Clock::now() - start > kWorkersWait)
      throw std::runtime_error("no worker that offers `noop` connected within 15 s");
    std::this_thread::sleep_for(kRigLook);
  }
}

Lookout::Lookout(Client& client) : client_(client), thread_([this] { follow(); }) {}

Lookout::~Lookout() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Lookout::follow() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kLookout, [&] { return stopping_; })) {
    lock.unlock();
    look();
    lock.lock();
  }
}

void Lookout::look() {
  try {
    const bool nobody = useful_workers(client_) == 0;
    if (nobody && !said_)
      std::cerr
          << "quern: waiting for a worker that offers `noop`; start one with `quern-worker`\n";
    said_ = nobody;
  } catch (const Error&) {  // no broker: the thread that waits for results reports it
  }
}

}  // namespace quern::bench
