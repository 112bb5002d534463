// How many items, results and single submits the parts of the client move, without a broker.
// sdk/README.md has the figures.
//   bench_client
#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "client/feeder.hpp"
#include "client/full_job.hpp"
#include "client/singles.hpp"

namespace quern::client {
namespace {

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

void items_through_the_feeder(benchmark::State& state) {
  constexpr std::uint64_t kCount = 2'000'000;
  for (auto _ : state) {
    auto queue = std::make_shared<InputQueue>();
    queue->on_ready([] {});
    start_feeder(
        sixteen_bytes(kCount), queue, [](std::exception_ptr) {}, std::make_shared<FeederCount>());
    std::uint64_t taken = 0;
    while (taken < kCount) {
      if (auto chunk = queue->take())
        taken += chunk->batch.count();
      else
        std::this_thread::yield();
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kCount));
}
// Real time, because the feeder has a thread of its own.
BENCHMARK(items_through_the_feeder)->UseRealTime()->Unit(benchmark::kMillisecond);

enum class Reader { each, get_all, next };

std::uint64_t read_all(FullJob& job, Reader reader) {
  std::uint64_t bytes = 0;
  switch (reader) {
    case Reader::each:
      job.each([&](std::uint64_t, BytesView result) { bytes += result.size(); });
      break;
    case Reader::get_all:
      for (const auto& result : job.get_all()) bytes += result.size();
      break;
    case Reader::next:
      while (auto result = job.next()) bytes += result->bytes.size();
      break;
  }
  return bytes;
}

void results_to_a_reader(benchmark::State& state, Reader reader) {
  constexpr std::uint64_t kEntries = 250, kEach = 4096;
  for (auto _ : state) {
    state.PauseTiming();
    FullJob job(JobKey{1}, {}, FullJob::Kind::own, std::make_shared<Outbox>());
    for (std::uint64_t i = 0; i < kEntries; ++i) job.on_results(results_of(i, kEach));
    wire::JobUpdate update;
    update.status.state = JobState::done;
    update.status.total = kEntries * kEach;
    update.entries = kEntries;
    job.on_status(update);
    state.ResumeTiming();
    if (read_all(job, reader) != kEntries * kEach * 8) {
      state.SkipWithError("the reader did not get every result");
      break;
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kEntries * kEach));
}
BENCHMARK_CAPTURE(results_to_a_reader, each, Reader::each)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(results_to_a_reader, get_all, Reader::get_all)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(results_to_a_reader, next, Reader::next)->Unit(benchmark::kMillisecond);

class Singles {
 public:
  static constexpr std::uint64_t kCount = 200'000;

  Singles() {
    auto queue = std::make_shared<InputQueue>();
    queue->on_ready([] {});
    group_ = std::make_shared<SingleGroup>(JobKey{1}, Uuid{}, queue, std::make_shared<Outbox>());
    jobs_.reserve(kCount);
  }
  void submit_all() {
    for (std::uint64_t i = 0; i < kCount; ++i) jobs_.push_back(group_->submit("0123456789abcdef"));
  }
  void route_results() {
    for (std::uint64_t seq = 0; seq < kCount / 1000; ++seq)
      group_->on_results(results_of(seq, 1000));
  }
  bool last_has_its_result() { return jobs_.back()->get_optional() == "rrrrrrrr"; }

 private:
  std::shared_ptr<SingleGroup> group_;
  std::vector<std::shared_ptr<SingleJob>> jobs_;
};

void single_submits(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    auto singles = std::make_unique<Singles>();
    state.ResumeTiming();
    singles->submit_all();
    state.PauseTiming();
    singles.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(Singles::kCount));
}
BENCHMARK(single_submits)->Unit(benchmark::kMillisecond);

void results_to_their_handles(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    auto singles = std::make_unique<Singles>();
    singles->submit_all();
    state.ResumeTiming();
    singles->route_results();
    state.PauseTiming();
    if (!singles->last_has_its_result()) state.SkipWithError("the last handle has no result");
    singles.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(Singles::kCount));
}
BENCHMARK(results_to_their_handles)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace quern::client
