// How fast the store commits and recovers. broker/STORE.md has the figures.
//   bench_store
// The database lies in /var/tmp, because /tmp is often in memory, where a sync costs nothing.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "broker/actors/sqlite_store.hpp"

namespace quern::broker {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr JobNumber kJob{1};
constexpr std::uint64_t kTasksPerRow = 4096, kRowsPerCommit = 8;

/// A folder on a disk, which is removed with the benchmark.
class DiskFolder {
 public:
  DiskFolder() {
    std::string pattern = "/var/tmp/quern-bench-XXXXXX";
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("cannot create " + pattern);
    path_ = pattern;
  }
  ~DiskFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void add_job(SqliteStore& store) {
  JobBirth birth;
  birth.number = kJob;
  store.apply({AddJob{birth}});
}

wire::Batch tasks_of_16_bytes(std::uint64_t count) {
  return {wire::Sizes::uniform(count, 16), wire::Buffer::adopt(Bytes(16 * count, 'x'))};
}

/// The n-th transaction of large rows.
StoreOps rows_of_commit(std::uint64_t n, const wire::Batch& row) {
  StoreOps ops;
  for (std::uint64_t k = 0; k < kRowsPerCommit; ++k)
    ops.push_back(AddInput{kJob, (kRowsPerCommit * n + k) * kTasksPerRow, row});
  return ops;
}

/// items_per_second counts tasks.
void commit_of_8_rows(benchmark::State& state) {
  const DiskFolder folder;
  SqliteStore store(folder.path());
  add_job(store);
  const wire::Batch row = tasks_of_16_bytes(kTasksPerRow);
  std::uint64_t n = 0;
  for (auto _ : state) store.apply(rows_of_commit(n++, row));
  state.SetItemsProcessed(static_cast<std::int64_t>(n * kRowsPerCommit * kTasksPerRow));
}
BENCHMARK(commit_of_8_rows)->UseRealTime()->Unit(benchmark::kMicrosecond);

void commit_of_one_task(benchmark::State& state) {
  const DiskFolder folder;
  SqliteStore store(folder.path());
  add_job(store);
  const wire::Batch one = tasks_of_16_bytes(1);
  std::vector<double> took_s;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    store.apply({AddInput{kJob, took_s.size(), one}});
    took_s.push_back(Seconds(std::chrono::steady_clock::now() - start).count());
    state.SetIterationTime(took_s.back());
  }
  std::sort(took_s.begin(), took_s.end());
  state.counters["p50_us"] = took_s[took_s.size() / 2] * 1e6;
  state.counters["p99_us"] = took_s[took_s.size() * 99 / 100] * 1e6;
}
BENCHMARK(commit_of_one_task)->UseManualTime()->Unit(benchmark::kMicrosecond);

/// Opens and reads a store with the queued tasks of `commits` commits of 8 rows.
void recover(benchmark::State& state) {
  const DiskFolder folder;
  const auto commits = static_cast<std::uint64_t>(state.range(0));
  {
    SqliteStore store(folder.path());
    add_job(store);
    const wire::Batch row = tasks_of_16_bytes(kTasksPerRow);
    for (std::uint64_t n = 0; n < commits; ++n) store.apply(rows_of_commit(n, row));
  }
  for (auto _ : state) {
    SqliteStore store(folder.path());
    benchmark::DoNotOptimize(store.recover());
  }
  state.counters["tasks"] = static_cast<double>(commits * kRowsPerCommit * kTasksPerRow);
}
BENCHMARK(recover)->ArgName("commits")->Arg(1)->Arg(500)->UseRealTime()->Unit(
    benchmark::kMillisecond);

}  // namespace
}  // namespace quern::broker
