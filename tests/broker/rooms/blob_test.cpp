// One blob: its chunks, who needs it, and what it counts for.
#include "broker/core/jobs/blob.hpp"

#include "broker/rooms/jobs_room_fixture.hpp"

namespace quern::broker {
namespace {

constexpr std::uint32_t kFullChunk = wire::kBlobChunk;

class BlobTest : public JobsRoomTest {
 protected:
  static wire::Batch chunks(const std::vector<std::uint32_t>& sizes) {
    wire::BatchBuilder builder;
    for (const std::uint32_t size : sizes) builder.add(std::string(size, 'x'));
    return builder.take();
  }
  const std::string name = std::string(64, 'a');
};

TEST_F(BlobTest, only_the_last_chunk_may_be_short) {
  struct Case {
    std::vector<std::uint32_t> arrived, more;
    bool fit;
  };
  const Case cases[] = {
      {{}, {}, true},
      {{}, {1}, true},
      {{}, {kFullChunk}, true},
      {{}, {kFullChunk, kFullChunk, 1}, true},
      {{}, {0}, false},
      {{}, {kFullChunk + 1}, false},
      {{}, {kFullChunk + 1, 1}, false},
      {{}, {1, 1}, false},
      {{}, {1, kFullChunk}, false},
      {{}, {kFullChunk, 0}, false},
      {{kFullChunk}, {kFullChunk}, true},
      {{kFullChunk}, {kFullChunk - 1}, true},
      {{kFullChunk, kFullChunk - 1}, {}, true},
      {{kFullChunk, kFullChunk - 1}, {1}, false},
      {{kFullChunk, kFullChunk - 1}, {kFullChunk}, false},
  };
  for (const Case& c : cases) {
    Blob blob(add(), now);
    if (!c.arrived.empty()) blob.take(chunks(c.arrived));
    EXPECT_EQ(blob.may_follow(chunks(c.more)), c.fit)
        << c.arrived.size() << " chunks, " << ::testing::PrintToString(c.more);
  }
}

TEST_F(BlobTest, a_restart_does_not_reopen_a_file_whose_last_chunk_arrived) {
  const auto may_continue = [&](const wire::Batch& stored) {
    Blob blob(add(), now);
    blob.recover({0, stored.count(), stored.weight(), {}});
    return blob.may_follow(chunks({1}));
  };
  EXPECT_TRUE(may_continue(chunks({kFullChunk, kFullChunk})));
  EXPECT_FALSE(may_continue(chunks({kFullChunk, 7})));
}

TEST_F(BlobTest, the_key_of_a_blob_is_the_function_and_a_hash) {
  struct Case {
    std::string key;
    bool memory;
    bool valid;
  };
  const Case cases[] = {
      {"quern.blob/" + name, false, true},
      {"quern.blob/" + name, true, false},
      {"quern.blob/" + name + "/memory", true, true},
      {"quern.blob/" + name + "/memory", false, false},
      {"quern.blob/" + name + "a", false, false},
      {"quern.blob/" + name.substr(1), false, false},
      {"quern.blob/" + std::string(64, 'A'), false, false},
      {"quern.blob/" + std::string(64, 'g'), false, false},
      {"other_blob/" + name, false, false},
      {"quern.blob/", false, false},
      {"quern.blob", false, false},
      {"", false, false},
  };
  for (const Case& c : cases) EXPECT_EQ(Blob::is_key(c.key, c.memory), c.valid) << c.key;
  EXPECT_TRUE(Blob::is_function("quern.blob"));
  EXPECT_FALSE(Blob::is_function("quern.blobs"));
}

TEST_F(BlobTest, a_blob_is_unused_when_no_job_has_needed_it_for_some_time) {
  Blob blob(add(), now);
  EXPECT_FALSE(blob.is_unused(now + 59s, 1min));
  EXPECT_TRUE(blob.is_unused(now + 1min, 1min));
  blob.want(now + 30s);
  EXPECT_FALSE(blob.is_unused(now + 1min, 1min));
  blob.hold(now + 1min);
  blob.hold(now + 1min);
  blob.release(now + 2h);
  EXPECT_EQ(blob.holders(), 1u);
  EXPECT_FALSE(blob.is_unused(now + 24h, 1min));
  blob.release(now + 24h);
  EXPECT_FALSE(blob.is_unused(now + 24h, 1min)) << "it was needed until now";
  EXPECT_TRUE(blob.is_unused(now + 25h, 1min));
}

TEST_F(BlobTest, a_file_is_complete_when_its_upload_is_done) {
  for (const JobState state :
       {JobState::waiting, JobState::done, JobState::failed, JobState::cancelled, JobState::lost}) {
    Job& job = add();
    job.phase.state = state;
    EXPECT_FALSE(job.is_complete_blob());
    job.blob.emplace(job, now);
    EXPECT_EQ(job.is_complete_blob(), state == JobState::done);
  }
}

TEST_F(BlobTest, a_file_that_lacks_a_chunk_is_cancelled) {
  Job& job = add_blob(name);
  give(job, {"chunk"});
  EXPECT_EQ(job.blob->ending().state, JobState::done);
  job.tasks.ended.add({0, 1});
  EXPECT_EQ(job.blob->ending().state, JobState::cancelled);
}

TEST_F(BlobTest, a_blob_differs_from_a_job_in_these_properties) {
  const Job &job = add(), &blob = add_blob(name);
  EXPECT_TRUE(job.is_run() && job.is_listed() && !job.is_blob());
  EXPECT_TRUE(!blob.is_run() && !blob.is_listed() && blob.is_blob());
  EXPECT_EQ(job.charged_tasks(5), 5u);
  EXPECT_EQ(blob.charged_tasks(5), 0u);
  EXPECT_EQ(job.charged_bytes(5), 5u);
  EXPECT_EQ(blob.charged_bytes(5), 5u) << "during the upload";
}

TEST_F(BlobTest, a_complete_blob_counts_for_no_bytes_in_a_quota) {
  Job& job = add_blob(name);
  give(job, {"chunk"});
  end(job);
  EXPECT_EQ(job.charged_bytes(5), 0u);
  EXPECT_GT(job.blob->size(), 0u);
}

TEST_F(BlobTest, a_file_that_is_only_in_memory_may_use_half_of_it) {
  const Job& durable = add_blob(name);
  EXPECT_EQ(durable.blob->memory_room(4000), 4000u);
  Job& transient = add_blob(name, in_memory());
  EXPECT_EQ(transient.blob->memory_room(4000), 2000u);
  give(transient, {std::string(1500, 'x')});
  EXPECT_EQ(transient.blob->memory_room(4000), 2000 - transient.intake.payloads.bytes());
  EXPECT_EQ(transient.blob->memory_room(2000), 0u);
}

}  // namespace
}  // namespace quern::broker
