// What leaves memory when it fills up, and what stays.
#include "broker/rooms/jobs_room_fixture.hpp"

namespace quern::broker {
namespace {

constexpr std::uint64_t kChunk = 1u << 20;

class EvictionTest : public JobsRoomTest {
 protected:
  /// Payloads are evicted beyond `chunks` MiB.
  void set_limit(std::uint64_t chunks) { context.config.memory_limit = 4 * chunks * kChunk; }
  Job& add_with(std::size_t chunks, const wire::JobOptions& options = {}) {
    Job& job = add(options);
    for (std::size_t i = 0; i < chunks; ++i) give(job, {std::string(kChunk, 'x')});
    return job;
  }
  static std::uint64_t chunks_of(const Job& job) { return job.intake.payloads.bytes() / kChunk; }
};

TEST_F(EvictionTest, nothing_leaves_memory_before_it_is_in_the_store) {
  set_limit(1);
  Job& job = add_with(20);
  eviction.evict(now);
  EXPECT_EQ(chunks_of(job), 20u);
  commit();
  eviction.evict(now);
  EXPECT_LT(chunks_of(job), 20u);
  EXPECT_EQ(job.intake.payloads.queued_bytes() / kChunk, 20u);
  EXPECT_EQ(accounts.memory_used(), job.bytes());
}

TEST_F(EvictionTest, the_payloads_of_the_next_leases_stay) {
  set_limit(1);
  Job& job = add_with(20);
  job.tasks.pending.remove({0, 2});
  commit();
  eviction.evict(now);
  EXPECT_TRUE(job.intake.payloads.resident(2));
  EXPECT_TRUE(job.intake.payloads.resident(10));
  EXPECT_FALSE(job.intake.payloads.resident(19));
}

TEST_F(EvictionTest, a_job_in_memory_only_keeps_its_payloads) {
  set_limit(1);
  Job& job = add_with(20, in_memory());
  commit();
  eviction.evict(now);
  EXPECT_EQ(chunks_of(job), 20u);
}

TEST_F(EvictionTest, no_more_leaves_than_necessary_and_the_newest_job_first) {
  Job &older = add_with(20), &newer = add_with(20);
  commit();
  set_limit(41);
  eviction.evict(now);
  EXPECT_EQ(chunks_of(older) + chunks_of(newer), 40u) << "there is enough memory";
  set_limit(38);
  eviction.evict(now);
  EXPECT_EQ(chunks_of(older), 20u);
  EXPECT_LT(chunks_of(newer), 20u);
  EXPECT_GE(chunks_of(newer), 17u);
}

TEST_F(EvictionTest, complete_blobs_leave_as_a_whole_after_the_payloads_of_jobs) {
  Job& blob = add_blob(std::string(64, 'a'));
  for (int i = 0; i < 3; ++i) give(blob, {std::string(kChunk, 'x')});
  end(blob);
  Job& job = add_with(20);
  commit();
  set_limit(21);
  eviction.evict(now);
  EXPECT_EQ(chunks_of(blob), 3u);
  EXPECT_LT(chunks_of(job), 20u);
  set_limit(1);
  eviction.evict(now);
  EXPECT_EQ(chunks_of(blob), 0u);
  EXPECT_EQ(blob.blob->size() / kChunk, 3u);
}

TEST_F(EvictionTest, a_stream_that_waits_for_memory_gets_credit_and_is_told) {
  set_limit(18);
  Job& job = add_with(20);
  job.intake.open = true;
  commit();
  jobs.take_changed();
  jobs.examine(job.number);
  eviction.evict(now);
  EXPECT_GT(job.intake.credit_to, job.intake.bytes);
  EXPECT_EQ(jobs.changed(), std::vector<JobNumber>{job.number});
}

TEST_F(EvictionTest, unread_results_of_an_ended_job_leave_memory_after_their_commit) {
  Job& job = add();
  produce(job, 100'000);
  end(job);
  eviction.note_results(job);
  commit();
  eviction.on_committed(now);
  EXPECT_LT(job.output.results.bytes(), 100'000u);
  EXPECT_GE(job.output.results.weight(), 100'000u);

  Job& followed = add();
  followed.followers.emplace_back().window = 1;
  produce(followed, 100'000);
  end(followed);
  eviction.note_results(followed);
  commit();
  eviction.on_committed(now);
  EXPECT_GE(followed.output.results.bytes(), 100'000u) << "somebody reads them";
}

TEST_F(EvictionTest, a_job_with_too_many_unread_results_gets_no_more_leases) {
  set_limit(1);
  Job& job = add(in_memory());
  produce(job, 2 * wire::kResultWindow - 1000);
  EXPECT_FALSE(eviction.over_result_share(job));
  produce(job, 1000);
  EXPECT_TRUE(eviction.over_result_share(job));
}

}  // namespace
}  // namespace quern::broker
