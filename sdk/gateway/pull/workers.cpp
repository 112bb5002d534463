#include "gateway/pull/workers.hpp"

#include <algorithm>
#include <utility>

namespace quern::gateway::pull {
namespace {

// Each has a thread.
constexpr std::size_t kWorkersMost = 500;
constexpr std::size_t kPerKeyMost = 50;

Config config_of(const std::vector<std::string>& functions, Encoding encoding, Who who_runs) {
  Config config;
  config.identity = Uuid::random();
  config.name = who_runs == Who::people ? "people" : "http";
  config.software = "quern-gateway " QUERN_VERSION;
  for (const auto& name : functions) {
    FunctionDecl decl;
    decl.name = name;
    decl.takes = Takes::item;
    decl.encoding = encoding;
    if (who_runs == Who::people) {
      decl.people = true;
      decl.max_lease = 1;
    }
    config.functions.push_back(std::move(decl));
  }
  return config;
}

}  // namespace

std::shared_ptr<PullWorker> PullWorkers::worker_for(const Identity& who,
                                                    const std::vector<std::string>& functions,
                                                    Encoding encoding, Who who_runs) {
  std::lock_guard lock(mutex_);
  if (stopping_) return nullptr;
  std::uint64_t& number = numbers_[{who.id, functions, encoding, who_runs}];
  if (const auto found = workers_.find(number);
      found != workers_.end() && !found->second.worker->over())
    return found->second.worker;
  number = ++last_number_;
  const std::uint64_t made = number;
  remove_left();  // may invalidate `number`
  numbers_[{who.id, functions, encoding, who_runs}] = made;
  const auto of_key = std::count_if(workers_.begin(), workers_.end(), [&](const auto& entry) {
    return entry.second.owner == who.id;
  });
  if (workers_.size() >= kWorkersMost || static_cast<std::size_t>(of_key) >= kPerKeyMost)
    return nullptr;
  WorkerOptions options;
  options.number = made;
  options.endpoint = options_.endpoint;
  options.access = {options_.insecure, options_.keys, keys::Side::worker, who.token};
  options.config = config_of(functions, encoding, who_runs);
  options.encoding = encoding;
  options.uuids = who_runs == Who::people;
  auto worker = std::make_shared<PullWorker>(context_, std::move(options));
  workers_.emplace(made, Entry{who.id, worker});
  return worker;
}

std::shared_ptr<PullWorker> PullWorkers::find(const Identity& who, std::uint64_t number) {
  std::lock_guard lock(mutex_);
  const auto found = workers_.find(number);
  if (found == workers_.end() || found->second.owner != who.id) return nullptr;
  return found->second.worker;
}

void PullWorkers::remove_left() {
  std::erase_if(workers_, [](const auto& entry) { return entry.second.worker->over(); });
  std::erase_if(numbers_, [&](const auto& entry) { return !workers_.contains(entry.second); });
}

void PullWorkers::stop() {
  std::lock_guard lock(mutex_);
  stopping_ = true;
  for (auto& [number, entry] : workers_) entry.worker->stop();
}

}  // namespace quern::gateway::pull
