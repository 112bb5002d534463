// The SQLite store behaves like the simplest store (sim/memory_store.hpp) and uses little space on
// the disk.
#include "store/store_fixture.hpp"

namespace quern::broker {
namespace {

wire::Batch tasks_of(std::uint64_t count, char c) {
  wire::BatchBuilder builder;
  for (std::uint64_t i = 0; i < count; ++i) builder.add(std::string(16, c));
  return builder.take();
}

TEST(Store, committed_data_is_returned_also_after_reopening) {
  for (std::uint32_t seed = 1; seed <= 8; ++seed) {
    Folder folder;
    sim::MemoryStore model;
    auto store = std::make_unique<SqliteStore>(folder / "s");
    Transactions transactions(seed);
    for (int i = 0; i < 120; ++i) {
      const StoreOps ops = transactions.next();
      store->apply(ops);
      model.apply(ops);
      if (i % 5 == 0) store->sweep();
      if (i % 20 == 19) {
        store.reset();
        store = std::make_unique<SqliteStore>(folder / "s");
        ASSERT_EQ(state_of(*store), state_of(model)) << "seed " << seed << ", transaction " << i;
      }
    }
  }
}

TEST(Store, each_start_is_a_new_incarnation) {
  Folder folder;
  std::uint64_t last = 0;
  for (int i = 0; i < 3; ++i) {
    SqliteStore store(folder / "s");
    const std::uint64_t now = store.recover().incarnation;
    EXPECT_GT(now, last);
    last = now;
  }
}

TEST(Store, a_failed_transaction_changes_nothing_and_can_be_repeated) {
  Folder folder;
  SqliteStore store(folder / "s");
  Transactions transactions(1);
  store.apply(transactions.next());
  const std::string before = state_of(store);
  StoreOps ops = transactions.next();
  StoreOps twice = ops;
  JobBirth same;
  same.number = JobNumber{1};  // exists already, so the last insert fails
  twice.push_back(AddJob{same});
  EXPECT_THROW(store.apply(twice), StoreError);
  EXPECT_EQ(state_of(store), before);
  store.apply(ops);
  EXPECT_NE(state_of(store), before);
}

TEST(Store, a_load_may_span_several_rows) {
  Folder folder;
  SqliteStore store(folder / "s");
  JobBirth b;
  b.number = JobNumber{1};
  store.apply({AddJob{b}, AddInput{b.number, 0, tasks_of(3, 'a')},
               AddInput{b.number, 3, tasks_of(2, 'b')}});
  const wire::Batch both = store.load(b.number, {0, 5});
  ASSERT_EQ(both.count(), 5u);
  EXPECT_TRUE(both.sizes.is_uniform());
  EXPECT_EQ(both.bytes.view().substr(2 * 16, 32), std::string(16, 'a') + std::string(16, 'b'));
  EXPECT_THROW(store.load(b.number, {0, 6}), StoreError) << "a row is missing";
}

TEST(Store, task_costs_and_job_requirements_are_stored) {
  Folder folder;
  JobBirth b;
  b.number = JobNumber{1};
  b.options.blobs = {std::string(64, 'a'), std::string(64, 'b')};
  {
    SqliteStore store(folder / "s");
    store.apply({AddJob{b}, AddInput{b.number, 0, tasks_of(3, 'a'), {1, 0.5, 1e6}},
                 AddInput{b.number, 3, tasks_of(2, 'b')}});
  }
  SqliteStore store(folder / "s");
  const RecoveredJob job = store.recover().jobs.at(0);
  EXPECT_EQ(job.birth.options.blobs, b.options.blobs);
  EXPECT_EQ(job.inputs.at(0).costs, (std::vector<float>{1, 0.5, 1e6}));
  EXPECT_TRUE(job.inputs.at(1).costs.empty());
}

TEST(Store, a_dropped_job_is_swept_in_slices_and_its_space_is_reused) {
  Folder folder;
  SqliteStore store(folder / "s");
  for (std::uint64_t n = 1; n <= 12; ++n) {
    JobBirth b;
    b.number = JobNumber{n};
    b.uuid.bytes[0] = static_cast<std::uint8_t>(n);
    StoreOps ops{AddJob{b}};
    for (std::uint64_t i = 0; i < 150; ++i)
      ops.push_back(AddInput{b.number, i * 1000, tasks_of(1000, 'x')});
    store.apply(ops);
    store.apply({DropJob{b.number}});
    int slices = 0;
    while (store.sweep()) ++slices;
    EXPECT_GT(slices, 2);
  }
  EXPECT_LT(std::filesystem::file_size(SqliteStore::file_in(folder / "s")), 3u * 150 * 16'000)
      << "twelve jobs of 150 x 16,000 bytes";
  EXPECT_EQ(state_of(store), "below 1");
}

TEST(Store, the_input_of_a_finished_job_disappears_at_once_and_is_swept_in_slices) {
  Folder folder;
  SqliteStore store(folder / "s");
  JobBirth b;
  b.number = JobNumber{1};
  StoreOps ops{AddJob{b}};
  for (std::uint64_t i = 0; i < 200; ++i)
    ops.push_back(AddInput{b.number, i * 10, tasks_of(10, 'x')});
  ResultEntry entry;
  entry.tasks = {{0, 1}};
  entry.batch = tasks_of(1, 'r');
  ops.push_back(PutResult{b.number, 0, entry});
  JobProgress p;
  p.job = b.number;
  p.results_end = 1;
  ops.push_back(p);
  store.apply(ops);
  store.apply({DropInputs{b.number}});
  const auto jobs = store.recover().jobs;
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_TRUE(jobs[0].inputs.empty());
  int slices = 0;
  while (store.sweep()) ++slices;
  EXPECT_GT(slices, 2);
  EXPECT_EQ(store.recover().jobs[0].results.size(), 1u) << "only the input is dropped";
  Database database(SqliteStore::file_in(folder / "s"), Database::Mode::read);
  EXPECT_EQ(database.number("SELECT count(*) FROM inputs"), 0);
}

TEST(Store, queued_tasks_take_less_than_twice_their_bytes_on_disk) {
  Folder folder;
  constexpr std::uint64_t kRows = 100, kTasks = 4000;
  {
    SqliteStore store(folder / "s");
    JobBirth b;
    b.number = JobNumber{1};
    store.apply({AddJob{b}});
    for (std::uint64_t i = 0; i < kRows; ++i)
      store.apply({AddInput{b.number, i * kTasks, tasks_of(kTasks, 'x')}});
  }
  EXPECT_LT(std::filesystem::file_size(SqliteStore::file_in(folder / "s")),
            2 * kRows * kTasks * 16);
}

}  // namespace
}  // namespace quern::broker
