// What the core alone costs, without workers and codec in the same cache: run by hand
// (broker/core/README.md).
//   test_broker --gtest_also_run_disabled_tests --gtest_filter='CoreFigures.*'
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>

#include "broker/core/core.hpp"

namespace quern::broker {
namespace {

double cpu_s() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

/// Since then, without what reading the clock takes.
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

/// Workers that answer each lease after the time its tasks take, in the order in which they end;
/// messages in batches, as a router hands them in.
class Mill {
 public:
  Mill(std::uint64_t workers, std::uint64_t tasks, std::size_t batch) : batch_(batch) {
    for (std::uint64_t i = 0; i < workers; ++i) {
      wire::Hello hello;
      hello.role = wire::Role::worker;
      hello.identity.octets[0] = 1;
      for (std::size_t k = 0; k < 8; ++k)
        hello.identity.octets[8 + k] = static_cast<std::uint8_t>(i >> (8 * k));
      hello.name = "worker" + std::to_string(i);
      hello.worker.emplace();
      hello.worker->capacity.slots = 1;
      hello.worker->functions = {{"f", Takes::item, Encoding::raw, "", false, 0}};
      tell(PeerId{i + 1}, {}, std::move(hello));
    }
    settle();
    client_ = PeerId{workers + 1};
    wire::Hello hello;
    hello.identity.octets[0] = 2;
    tell(client_, {}, std::move(hello));
    settle();
    wire::Submit submit;
    submit.job.octets[0] = 3;
    submit.function = "f";
    submit.input = InputKind::items;
    submit.open = true;
    tell(client_, client_session_, std::move(submit));
    settle();
    left_ = tasks;
    feed();
  }

  void run() {
    const double before = cpu_s();
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
    const double spent = core_s_;
    const auto made = static_cast<double>(core_.counters().leases - leases);
    std::printf(
        "%.0f leases, %.2f us of the core each, longest batch %.2f ms (%.1f s with what is around "
        "it)\n",
        made, spent / made * 1e6, longest_s_ * 1e3, cpu_s() - before);
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
  /// As a client: takes results, gives what there is credit for.
  void feed() {
    if (to_acknowledge_ > acknowledged_) {
      acknowledged_ = to_acknowledge_;
      wire::Ack ack;
      ack.job.octets[0] = 3;
      ack.cursor = acknowledged_;
      ack.release = true;
      tell(client_, client_session_, std::move(ack));
    }
    while (left_ > 0) {
      const std::uint64_t count = std::min<std::uint64_t>(left_, 10'000);
      wire::Append append;
      append.job.octets[0] = 3;
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

TEST(CoreFigures, DISABLED_LeasesOfManyWorkers) {
  const char* given = std::getenv("QUERN_TASKS");
  const std::uint64_t tasks = given ? std::strtoull(given, nullptr, 10) : 1'000'000;
  for (const std::uint64_t workers : {100u, 1000u, 10'000u}) {
    for (const std::size_t batch : {std::size_t{1}, std::size_t{32}, std::size_t{256}}) {
      std::printf("%llu workers, %zu messages at a time: ",
                  static_cast<unsigned long long>(workers), batch);
      std::fflush(stdout);
      Mill(workers, tasks, batch).run();
    }
  }
}

}  // namespace
}  // namespace quern::broker
