// What the client's own parts move, without a broker. Not run with the tests; sdk/README.md says
// how.
#include <gtest/gtest.h>

#include <chrono>
#include <iostream>
#include <thread>

#include "client/feeder.hpp"
#include "client/full_job.hpp"
#include "client/singles.hpp"

namespace quern::client {
namespace {

class Stopwatch {
 public:
  void print(const char* what, std::uint64_t count) const {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin_;
    std::cout << what << ": " << static_cast<double>(count) / took.count() / 1e6 << " million/s\n";
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

Items sixteen_bytes(std::uint64_t count) {
  return {[n = std::uint64_t{0}, count](Bytes& item) mutable {
    if (n == count) return false;
    item.resize(16);
    std::memcpy(item.data(), &n, sizeof n);
    ++n;
    return true;
  }};
}

wire::Results results_of(std::uint64_t seq, std::uint64_t count) {
  wire::Results results;
  results.seq = seq;
  results.tasks = {{seq * count, (seq + 1) * count}};
  results.batch.sizes = wire::Sizes::uniform(count, 8);
  results.batch.bytes = wire::Buffer::adopt(Bytes(count * 8, 'r'));
  return results;
}

TEST(DISABLED_Figures, ItemsThroughTheFeeder) {
  constexpr std::uint64_t kCount = 20'000'000;
  auto queue = std::make_shared<InputQueue>();
  queue->on_ready([] {});
  const Stopwatch watch;
  start_feeder(
      sixteen_bytes(kCount), queue, [](std::exception_ptr) {}, std::make_shared<FeederCount>());
  std::uint64_t taken = 0;
  while (taken < kCount) {
    if (auto chunk = queue->take())
      taken += chunk->batch.count();
    else
      std::this_thread::yield();
  }
  watch.print("items pulled", kCount);
}

TEST(DISABLED_Figures, ResultsToAReader) {
  constexpr std::uint64_t kEntries = 1250, kEach = 4096;
  for (const char* how : {"each", "get_all", "next"}) {
    FullJob job(JobKey{1}, {}, FullJob::Kind::own, std::make_shared<Outbox>());
    for (std::uint64_t i = 0; i < kEntries; ++i) job.on_results(results_of(i, kEach));
    wire::JobUpdate update;
    update.status.state = JobState::done;
    update.status.total = kEntries * kEach;
    update.entries = kEntries;
    job.on_status(update);
    const Stopwatch watch;
    std::uint64_t bytes = 0;
    if (*how == 'e') {
      job.each([&](std::uint64_t, BytesView result) { bytes += result.size(); });
    } else if (*how == 'g') {
      for (const auto& result : job.get_all()) bytes += result.size();
    } else {
      while (auto result = job.next()) bytes += result->bytes.size();
    }
    EXPECT_EQ(bytes, kEntries * kEach * 8);
    watch.print(how, kEntries * kEach);
  }
}

TEST(DISABLED_Figures, SingleSubmits) {
  constexpr std::uint64_t kCount = 1'000'000;
  auto queue = std::make_shared<InputQueue>();
  queue->on_ready([] {});
  auto group = std::make_shared<SingleGroup>(JobKey{1}, Uuid{}, queue, std::make_shared<Outbox>());
  std::vector<std::shared_ptr<SingleJob>> jobs;
  jobs.reserve(kCount);
  const Stopwatch watch;
  for (std::uint64_t i = 0; i < kCount; ++i) jobs.push_back(group->submit("0123456789abcdef"));
  watch.print("single submits", kCount);
  const Stopwatch routing;
  for (std::uint64_t seq = 0; seq < kCount / 1000; ++seq) group->on_results(results_of(seq, 1000));
  routing.print("results to their handles", kCount);
  EXPECT_EQ(jobs.back()->get_optional(), "rrrrrrrr");
}

}  // namespace
}  // namespace quern::client
