#include "cli/process/cluster.hpp"

#include <sched.h>

#include <algorithm>
#include <csignal>

namespace quern::cli {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kReadyWait = 10s;
constexpr auto kBrokerStop = 3s;
constexpr auto kGatewayStop = 5s;
constexpr std::string_view kReady = "ready ";

ProgramCall broker_call(const ClusterPlan& plan) {
  ProgramCall call{find_program("quern-broker"), {"--bind", plan.bind}};
  call.arguments.insert(call.arguments.end(), plan.broker_options.begin(),
                        plan.broker_options.end());
  return call;
}

/// The address that a program says it serves.
std::optional<std::string> ready_at(Child& program) {
  const auto line = program.first_line(kReadyWait);
  if (!line || !line->starts_with(kReady)) return std::nullopt;
  return line->substr(kReady.size());
}

std::string endpoint_of(Child& broker) {
  if (auto endpoint = ready_at(broker)) return *endpoint;
  const auto ending = broker.wait_for(1s);
  throw BrokerFailed{ending ? ending->shell_code() : 1};
}

}  // namespace

Cluster::Cluster(const ClusterPlan& plan)
    : broker_(broker_call(plan)), endpoint_(endpoint_of(broker_)) {
  const std::string worker = find_program("quern-worker");
  ProgramCall call{
      worker,
      {"--broker", endpoint_, "--slots", std::to_string(plan.slots), "--log-level", "warning"}};
  call.arguments.insert(call.arguments.end(), plan.worker_options.begin(),
                        plan.worker_options.end());
  for (unsigned i = 0; i < plan.workers; ++i) workers_.emplace_back(call);
}

std::optional<HttpAddress> Cluster::start_gateway(std::vector<std::string> options) {
  ProgramCall call{find_program("quern-gateway"), {"--broker", endpoint_}};
  call.arguments.insert(call.arguments.end(), options.begin(), options.end());
  gateway_.emplace(call);
  auto url = ready_at(*gateway_);
  if (!url) {
    gateway_.reset();
    return std::nullopt;
  }
  const std::size_t blank = std::min(url->find(' '), url->size());
  return HttpAddress{url->substr(0, blank), url->substr(std::min(blank + 1, url->size()))};
}

void Cluster::stop(std::chrono::milliseconds patience) {
  // First, so that nothing is accepted that would be lost.
  if (gateway_) {
    gateway_->signal(SIGTERM);
    gateway_->wait_for(kGatewayStop);
    gateway_.reset();
  }
  for (Child& worker : workers_) worker.signal(SIGTERM);
  const auto deadline = Clock::now() + patience;
  for (Child& worker : workers_)
    worker.wait_for(std::chrono::ceil<std::chrono::milliseconds>(
        std::max<Clock::duration>(deadline - Clock::now(), 0s)));
  workers_.clear();
  broker_.signal(SIGTERM);
  broker_.wait_for(kBrokerStop);
}

unsigned usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
}

}  // namespace quern::cli
