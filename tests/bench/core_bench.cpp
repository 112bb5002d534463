// What one lease costs the broker's core alone, without workers or the codec in the same cache.
// broker/core/README.md has the figures. QUERN_TASKS changes the number of tasks per run.
//   bench_core
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <map>
#include <unordered_map>
#include <vector>

#include "broker/core/core.hpp"

namespace quern::broker {
namespace {

double cpu_s() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

/// The CPU time since `before`, minus the time that reading the clock takes.
double cpu_since(double before) {
  static const double reading = [] {
    double least = 1;
    for (int i = 0; i < 100; ++i) {
      const double begin = cpu_s();
      least = std::min(least, cpu_s() - begin);
    }
    return least;
  }();
  return std::max(0.0, cpu_s() - before - reading);
}

/// Workers that report each lease after the time that its tasks take, in the order in which the
/// leases end. The core receives the reports in batches, as from the router actor.
class Mill {
 public:
  Mill(std::uint64_t workers, std::uint64_t tasks, std::size_t batch) : batch_(batch) {
    for (std::uint64_t i = 0; i < workers; ++i) {
      wire::Hello hello;
      hello.role = wire::Role::worker;
      hello.identity.bytes[0] = 1;
      for (std::size_t k = 0; k < 8; ++k)
        hello.identity.bytes[8 + k] = static_cast<std::uint8_t>(i >> (8 * k));
      hello.name = "worker" + std::to_string(i);
      hello.worker.emplace();
      hello.worker->capacity.slots = 1;
      hello.worker->functions = {{"f", Takes::item, Encoding::raw, "", false, 0}};
      tell(PeerId{i + 1}, {}, std::move(hello));
    }
    settle();
    client_ = PeerId{workers + 1};
    wire::Hello hello;
    hello.identity.bytes[0] = 2;
    tell(client_, {}, std::move(hello));
    settle();
    wire::Submit submit;
    submit.job.bytes[0] = 3;
    submit.function = "f";
    submit.input = InputKind::items;
    submit.open = true;
    tell(client_, client_session_, std::move(submit));
    settle();
    left_ = tasks;
    feed();
  }

  struct Figures {
    double leases = 0;
    double core_s = 0;           ///< CPU time of the core
    double longest_batch_s = 0;  ///< CPU time of the longest batch
  };

  Figures run() {
    const std::uint64_t leases = core_.counters().leases;
    core_s_ = longest_s_ = 0;
    while (!ending_.empty()) {
      std::vector<Ending> batch;
      for (std::size_t i = 0; i < batch_ && !ending_.empty(); ++i) {
        batch.push_back(std::move(ending_.begin()->second));
        now_ = std::max(now_, ending_.begin()->first);
        ending_.erase(ending_.begin());
      }
      const double from = cpu_s();
      for (Ending& next : batch)
        core_.on_message(next.worker, "anyone", {next.session, std::move(next.report)}, now_);
      core_.take_effects(effects_);
      core_.settle(now_);
      core_.take_effects(effects_);
      const double took = cpu_since(from);
      core_s_ += took;
      longest_s_ = std::max(longest_s_, took);
      deliver();
      feed();
    }
    return {static_cast<double>(core_.counters().leases - leases), core_s_, longest_s_};
  }

 private:
  struct Ending {
    PeerId worker;
    wire::SessionId session;
    wire::Report report;
  };

  void tell(PeerId peer, wire::SessionId session, wire::Message&& message) {
    const double before = cpu_s();
    core_.on_message(peer, "anyone", {session, std::move(message)}, now_);
    core_.take_effects(effects_);
    core_s_ += cpu_since(before);
  }
  void settle() {
    const double before = cpu_s();
    core_.settle(now_);
    core_.take_effects(effects_);
    const double took = cpu_since(before);
    core_s_ += took;
    longest_s_ = std::max(longest_s_, took);
    deliver();
  }
  void deliver() {
    for (auto& effect : effects_)
      if (auto* send = std::get_if<Send>(&effect)) on(*send);
    effects_.clear();
  }
  void on(Send& send) {
    if (std::holds_alternative<wire::Welcome>(send.message)) {
      if (send.peer == client_) client_session_ = send.session;
    } else if (auto* lease = std::get_if<wire::Lease>(&send.message)) {
      wire::Report report;
      report.id = {lease->lease, 0};
      report.last = true;
      report.tasks = lease->tasks;
      report.batch = lease->batch;
      const std::uint64_t tasks = wire::size(lease->tasks);
      report.busy_us = 100'000 * tasks;
      wire::Time& free = free_[send.peer];
      free = std::max(now_, free) + std::chrono::milliseconds(100 * tasks);
      ending_.emplace(free, Ending{send.peer, send.session, std::move(report)});
    } else if (auto* results = std::get_if<wire::Results>(&send.message)) {
      to_acknowledge_ = std::max(to_acknowledge_, results->seq + 1);
    } else if (auto* accepted = std::get_if<wire::Accepted>(&send.message)) {
      credit_ = std::max(credit_, accepted->credit_to);
    }
  }
  /// The client: acknowledges results and appends as much input as its credit allows.
  void feed() {
    if (to_acknowledge_ > acknowledged_) {
      acknowledged_ = to_acknowledge_;
      wire::Ack ack;
      ack.job.bytes[0] = 3;
      ack.cursor = acknowledged_;
      ack.release = true;
      tell(client_, client_session_, std::move(ack));
    }
    while (left_ > 0) {
      const std::uint64_t count = std::min<std::uint64_t>(left_, 10'000);
      wire::Append append;
      append.job.bytes[0] = 3;
      append.first = given_;
      append.batch = {wire::Sizes::uniform(count, 8), wire::Buffer::adopt(Bytes(8 * count, 'x'))};
      append.close = count == left_;
      if (weight_ + append.batch.weight() > credit_) break;
      weight_ += append.batch.weight();
      given_ += count;
      left_ -= count;
      tell(client_, client_session_, std::move(append));
    }
    settle();
  }

  Core core_{Config{}};
  std::size_t batch_;
  wire::Time now_ = wire::Time{} + std::chrono::seconds(1000);
  Effects effects_;
  std::multimap<wire::Time, Ending> ending_;
  std::unordered_map<PeerId, wire::Time> free_;
  PeerId client_{};
  wire::SessionId client_session_{};
  std::uint64_t credit_ = 0, weight_ = 0, given_ = 0, left_ = 0;
  std::uint64_t to_acknowledge_ = 0, acknowledged_ = 0;
  double core_s_ = 0, longest_s_ = 0;
};

std::uint64_t tasks_per_run() {
  const char* given = std::getenv("QUERN_TASKS");
  return given ? std::strtoull(given, nullptr, 10) : 1'000'000;
}

/// One iteration is one job from its first lease to its last.
void leases(benchmark::State& state) {
  const auto workers = static_cast<std::uint64_t>(state.range(0));
  const auto messages = static_cast<std::size_t>(state.range(1));
  Mill::Figures all;
  for (auto _ : state) {
    const Mill::Figures run = Mill(workers, tasks_per_run(), messages).run();
    state.SetIterationTime(run.core_s);
    all.leases += run.leases;
    all.core_s += run.core_s;
    all.longest_batch_s = std::max(all.longest_batch_s, run.longest_batch_s);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(all.leases));
  state.counters["us_per_lease"] = all.core_s / all.leases * 1e6;
  state.counters["longest_batch_ms"] = all.longest_batch_s * 1e3;
}
BENCHMARK(leases)
    ->ArgsProduct({{100, 1000, 10'000}, {1, 32, 256}})
    ->ArgNames({"workers", "messages"})
    ->UseManualTime()
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace quern::broker
