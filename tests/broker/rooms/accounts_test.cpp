// What a change of a job does to the books, the journal and the list of changed jobs; and how much
// credit a stream gets.
#include "broker/rooms/jobs_room_fixture.hpp"

namespace quern::broker {
namespace {

constexpr std::uint64_t kMiB = 1u << 20;

class AccountsTest : public JobsRoomTest {
 protected:
  static Config small() {
    Config config = with_store();
    config.memory_limit = 64 * kMiB;  // streams may use 24 MiB
    return config;
  }
  AccountsTest() : JobsRoomTest(small()) {}

  const Usage& used() { return quotas.usage_of("alice"); }
  /// Something else uses this much memory.
  void use_memory(std::uint64_t bytes) {
    Job& other = add();
    other.spec.principal = "bob";
    other.books.usage = nullptr;
    other.spec.common.emplace(wire::Buffer::copy(std::string(bytes, 'c')));
    accounts.update(other);
  }
  void change(Job& job) { const JobChange changed = changes.begin(job); }
  /// The operations of the next commit about this job.
  std::vector<StoreOp> saved(const Job& job) {
    std::vector<StoreOp> out;
    journal.seal();
    for (Effect& effect : std::exchange(context.effects, {}))
      if (auto* begun = std::get_if<Commit>(&effect)) {
        commits.on_committed(begun->sequence);
        for (StoreOp& op : begun->ops)
          if (const auto* progress = std::get_if<JobProgress>(&op);
              progress && progress->job == job.number)
            out.push_back(std::move(op));
      }
    return out;
  }
};

TEST_F(AccountsTest, usage_is_counted_when_a_change_ends) {
  Job& job = add();
  {
    const JobChange change = changes.begin(job);
    job.tasks.total = 3;
    EXPECT_EQ(used().tasks, 0u);
  }
  EXPECT_EQ(used().tasks, 3u);
}

TEST_F(AccountsTest, a_changed_job_is_listed_once_until_it_is_examined) {
  Job &one = add(), &two = add();
  for (int i = 0; i < 3; ++i) change(two);
  change(one);
  EXPECT_EQ(jobs.changed().size(), 2u);
  EXPECT_EQ(jobs.take_changed(), (std::vector<JobNumber>{one.number, two.number}));
  EXPECT_TRUE(jobs.changed().empty());
  change(one);
  EXPECT_TRUE(jobs.changed().empty()) << "it is still to be examined";
  jobs.examine(one.number);
  change(one);
  EXPECT_EQ(jobs.changed(), std::vector<JobNumber>{one.number});
}

TEST_F(AccountsTest, the_progress_of_a_durable_job_is_saved_with_the_commit_that_it_names) {
  Job &durable = add(), &transient = add(in_memory());
  {
    const JobChange change = changes.begin(durable);
    EXPECT_EQ(durable.commits.latest, commits.next()) << "messages wait for it from the beginning";
    durable.tasks.total = durable.tasks.done = 7;
  }
  change(durable);
  change(transient);
  EXPECT_EQ(transient.commits.latest, 0u);
  const std::uint64_t next = commits.next();
  const auto ops = saved(durable);
  ASSERT_EQ(ops.size(), 1u);
  EXPECT_EQ(std::get<JobProgress>(ops[0]).done, 7u) << "as it is when the commit begins";
  EXPECT_EQ(durable.commits.latest, next);
  change(durable);
  change(transient);
  EXPECT_TRUE(saved(transient).empty());
}

TEST_F(AccountsTest, a_job_counts_for_its_unfinished_tasks_and_for_what_it_holds) {
  struct Case {
    const char* what;
    std::function<void()> happens;
    std::uint64_t tasks, jobs;
    bool bytes;   ///< some count against the quota
    bool memory;  ///< some are in memory
  };
  Job *job = nullptr, *blob = nullptr;
  const Case cases[] = {
      {"a job is submitted", [&] { job = &add(); }, 0, 1, false, false},
      {"its input arrives",
       [&] {
         give(*job, {"a", "b", "c"});
       },
       3, 1, true, true},
      {"a task ends",
       [&] {
         const JobChange change = changes.begin(*job);
         job->tasks.pending.remove({0, 1});
         job->tasks.ended.add({0, 1});
       },
       2, 1, true, true},
      {"it ends, but keeps its results",
       [&] {
         produce(*job, 100);
         end(*job);
       },
       0, 0, true, true},
      {"it is forgotten",
       [&] {
         accounts.remove(*job);
         jobs.remove(*job);
       },
       0, 0, false, false},
      {"a blob is uploaded, whose chunks are no tasks",
       [&] {
         blob = &add_blob(std::string(64, 'a'));
         give(*blob, {"chunk"});
       },
       0, 1, true, true},
      {"it is complete, and does not count against the quota", [&] { end(*blob); }, 0, 0, false,
       true},
  };
  for (const Case& c : cases) {
    c.happens();
    EXPECT_EQ(used().tasks, c.tasks) << c.what;
    EXPECT_EQ(used().jobs, c.jobs) << c.what;
    EXPECT_EQ(used().bytes > 0, c.bytes) << c.what;
    EXPECT_EQ(accounts.memory_used() > 0, c.memory) << c.what;
  }
}

TEST_F(AccountsTest, unread_results_count_for_the_session_that_owns_the_job) {
  Job& job = add();
  job.owner.session = wire::SessionId{1};
  produce(job, 1000);
  const std::uint64_t unread = job.output.results.bytes();
  EXPECT_GE(unread, 1000u);
  EXPECT_EQ(accounts.unread_of(wire::SessionId{1}), unread);
  job.owner.session = wire::SessionId{2};
  accounts.update(job);
  EXPECT_EQ(accounts.unread_of(wire::SessionId{1}), 0u);
  EXPECT_EQ(accounts.unread_of(wire::SessionId{2}), unread);
  job.output.results.clear();
  accounts.update(job);
  EXPECT_EQ(accounts.unread_of(wire::SessionId{2}), 0u);
}

TEST_F(AccountsTest, a_stream_gets_credit_as_far_as_memory_and_its_quota_allow) {
  struct Case {
    const char* what;
    std::function<Job&()> stream;
    std::uint64_t others;                ///< bytes that are in use
    std::optional<std::uint64_t> quota;  ///< bytes
    std::uint64_t credit;
  };
  const std::string name(64, 'a');
  const auto open = [&]() -> Job& {
    Job& job = add();
    job.intake.open = true;
    return job;
  };
  const Case cases[] = {
      {"nothing is in the way", open, 0, {}, 16 * kMiB},
      {"memory is short", open, 20 * kMiB, {}, 4 * kMiB},
      {"memory is full", open, 25 * kMiB, {}, 0},
      {"the quota is used up", open, 0, 0, 0},
      {"the job is closed", [&]() -> Job& { return add(); }, 0, {}, 0},
      {"the job has ended",
       [&]() -> Job& {
         Job& job = open();
         job.phase.state = JobState::cancelled;
         return job;
       },
       0,
       {},
       0},
      {"a blob", [&]() -> Job& { return add_blob(name); }, 0, {}, 16 * kMiB},
      {"a blob, memory is short",
       [&]() -> Job& { return add_blob(name); },
       20 * kMiB,
       {},
       4 * kMiB},
      {"a blob in memory may use half of it",
       [&]() -> Job& { return add_blob(name, in_memory()); },
       0,
       {},
       12 * kMiB},
      {"a blob in memory, memory is short",
       [&]() -> Job& { return add_blob(name, in_memory()); },
       20 * kMiB,
       {},
       4 * kMiB},
  };
  for (const Case& c : cases) {
    Principal alice;
    alice.name = "alice";
    alice.max_bytes = c.quota;
    quotas.set_limits({{"alice", &alice}});
    use_memory(c.others);
    Job& job = c.stream();
    accounts.grant_credit(job, now);
    EXPECT_EQ(job.intake.credit_to, c.credit) << c.what;
    while (!jobs.all().empty()) {
      Job& last = jobs.all().begin()->second;
      accounts.remove(last);
      jobs.remove(last);
    }
  }
}

TEST_F(AccountsTest, credit_that_was_granted_is_not_taken_back) {
  Job& job = add();
  job.intake.open = true;
  accounts.grant_credit(job, now);
  use_memory(25 * kMiB);
  accounts.grant_credit(job, now);
  EXPECT_EQ(job.intake.credit_to, 16 * kMiB);
}

}  // namespace
}  // namespace quern::broker
