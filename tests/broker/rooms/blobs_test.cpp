// All blobs together: which are accepted, found, fetched and forgotten. Stories of clients and
// workers are in tests/broker/blobs_test.cpp.
#include "broker/core/blobs/blobs.hpp"

#include <functional>

#include "broker/rooms/jobs_room_fixture.hpp"

namespace quern::broker {
namespace {

class BlobsRoomTest : public JobsRoomTest {
 protected:
  static constexpr std::size_t kChunk = wire::kBlobChunk;

  const std::string name_a = std::string(64, 'a'), name_b = std::string(64, 'b');

  Job& complete(const std::string& name, const std::vector<std::string>& chunks,
                const wire::JobOptions& options = {}) {
    Job& job = add_blob(name, options);
    for (const auto& chunk : chunks) give(job, {chunk});
    end(job);
    return job;
  }
  Job& needing(std::vector<std::string> names, wire::JobOptions options = {}) {
    options.blobs = std::move(names);
    return add(std::move(options));
  }
  /// The session of a worker that has the common input of this job.
  Session& worker_for(const Job& job) {
    Session& session = connect();
    session.role = wire::Role::worker;
    workers.add(session).holds.commons.insert(job.spec.uuid);
    return session;
  }
  void fetch(Session& session, const Job& job, const std::string& name, std::uint64_t chunk) {
    blobs.on_fetch(session, wire::Fetch{job.spec.uuid, name, chunk}, now);
    blobs.answer_fetches(now);
  }
  std::vector<wire::Blob> answers() {
    std::vector<wire::Blob> out;
    for (Send& send : sent()) out.push_back(std::move(std::get<wire::Blob>(send.message)));
    return out;
  }
  /// Named as idle at the next sweep.
  std::vector<JobNumber> idle() {
    now += 10s;
    context.now = now;
    return blobs.take_idle(now);
  }

  Offers offers;
  Workers workers{context, offers};
  Followers followers{access, sessions, outbox, jobs};
  Blobs blobs{context, sessions, outbox, workers, jobs, accounts, eviction, followers};
};

TEST_F(BlobsRoomTest, submissions_of_blobs_are_checked) {
  wire::Submit valid;
  valid.function = wire::kBlobFunction;
  valid.input = InputKind::items;
  valid.options.unique = wire::blob_key(name_a, false);
  valid.batch = batch_of({"chunk"});
  struct Case {
    const char* what;
    std::function<void(wire::Submit&)> change;
    bool accepted;
  };
  const Case cases[] = {
      {"a blob", [](auto&) {}, true},
      {"of a range", [](auto& s) { s.input = InputKind::range; }, false},
      {"of values", [](auto& s) { s.encoding = Encoding::value; }, false},
      {"without a key", [](auto& s) { s.options.unique.clear(); }, false},
      {"in memory, with the key of a durable one",
       [](auto& s) { s.options.durability = Durability::memory; }, false},
      {"in memory",
       [&](auto& s) {
         s.options.durability = Durability::memory;
         s.options.unique = wire::blob_key(name_a, true);
       },
       true},
      {"with a common input", [](auto& s) { s.has_common = true; }, false},
      {"that needs a blob", [&](auto& s) { s.options.blobs = {name_b}; }, false},
      {"with a short chunk",
       [](auto& s) {
         s.batch = batch_of({"a", "b"});
       },
       false},
  };
  for (const Case& c : cases) {
    wire::Submit submit = valid;
    c.change(submit);
    EXPECT_EQ(!blobs.refusal(connect("alice"), submit), c.accepted) << c.what;
  }
}

TEST_F(BlobsRoomTest, a_job_is_accepted_if_its_blobs_are_complete_and_live_as_long_as_the_job) {
  complete(name_a, {"one"});
  complete(name_b, {"two"}, in_memory());
  const std::string open(64, 'c'), unknown(64, 'd');
  add_blob(open);
  struct Case {
    const char* what;
    const char* principal;
    std::vector<std::string> names;
    Durability durability;
    bool accepted;
  };
  const Case cases[] = {
      {"durable, for a durable job", "alice", {name_a}, Durability::durable, true},
      {"durable, for a job in memory", "alice", {name_a}, Durability::memory, true},
      {"in memory, for a durable job", "alice", {name_b}, Durability::durable, false},
      {"in memory, for a job in memory", "alice", {name_b}, Durability::memory, true},
      {"one of two is missing", "alice", {name_a, unknown}, Durability::durable, false},
      {"incomplete", "alice", {open}, Durability::durable, false},
      {"of another principal", "bob", {name_a}, Durability::durable, false},
  };
  for (const Case& c : cases) {
    wire::Submit submit;
    submit.function = "echo";
    submit.options.blobs = c.names;
    submit.options.durability = c.durability;
    EXPECT_EQ(!blobs.refusal(connect(c.principal), submit), c.accepted) << c.what;
  }
}

TEST_F(BlobsRoomTest, a_blob_counts_the_jobs_that_need_it) {
  const Job &a = complete(name_a, {"one"}), &b = complete(name_b, {"two"});
  Job &both = needing({name_a, name_b}), &one = needing({name_a, std::string(64, 'd')});
  blobs.hold(both);
  blobs.hold(one);
  EXPECT_EQ(a.blob->holders(), 2u);
  EXPECT_EQ(b.blob->holders(), 1u);
  blobs.release(both);
  blobs.release(both);
  EXPECT_EQ(a.blob->holders(), 1u);
  EXPECT_EQ(b.blob->holders(), 0u);
}

TEST_F(BlobsRoomTest, an_upload_is_given_up_if_nobody_will_complete_it) {
  Session& client = connect("alice");
  client.heard = now;
  const wire::SessionId gone{99};
  struct Case {
    const char* what;
    JobState state;
    wire::SessionId owner;
    wire::Duration silence;
    bool given_up;
  };
  const Case cases[] = {
      {"it arrives", JobState::waiting, client.id, 2s, false},
      {"its client is silent", JobState::waiting, client.id, 3s, true},
      {"its client is gone", JobState::waiting, gone, 0s, true},
      {"it is complete", JobState::done, gone, 1h, false},
      {"it was cancelled", JobState::cancelled, client.id, 0s, true},
      {"it failed", JobState::failed, client.id, 0s, true},
  };
  Job& job = add_blob(name_a);
  for (const Case& c : cases) {
    job.phase.state = c.state;
    job.owner.session = c.owner;
    EXPECT_EQ(blobs.is_given_up(job, now + c.silence), c.given_up) << c.what;
  }
  EXPECT_FALSE(blobs.is_given_up(add(), now + 1h)) << "a job that is no blob";
}

TEST_F(BlobsRoomTest, an_upload_ends_when_it_is_complete_or_when_there_is_no_room) {
  context.config.memory_limit = 16u << 20;  // 3 MiB for one file in memory
  const Session& client = connect("alice");
  Principal limited;
  limited.name = "alice";
  limited.max_bytes = 0;
  Job &durable = add_blob(name_a), &transient = add_blob(name_b, in_memory());
  durable.owner.session = client.id;
  EXPECT_FALSE(blobs.ending_of(durable, now));

  quotas.set_limits({{"alice", &limited}});
  ASSERT_TRUE(blobs.ending_of(durable, now));
  EXPECT_EQ(blobs.ending_of(durable, now)->state, JobState::failed);
  EXPECT_NE(blobs.ending_of(durable, now)->reason.find("quota of alice"), std::string::npos);
  durable.intake.credit_to = 1;
  EXPECT_FALSE(blobs.ending_of(durable, now)) << "its client may still send something";
  quotas.set_limits({});

  EXPECT_FALSE(blobs.ending_of(transient, now));
  for (int i = 0; i < 3; ++i) give(transient, {std::string(kChunk, 'x')});
  ASSERT_TRUE(blobs.ending_of(transient, now));
  EXPECT_NE(blobs.ending_of(transient, now)->reason.find("--memory-limit"), std::string::npos);

  durable.intake.open = false;
  ASSERT_TRUE(blobs.ending_of(durable, now));
  EXPECT_EQ(blobs.ending_of(durable, now)->state, JobState::done);
}

TEST_F(BlobsRoomTest, a_blob_is_idle_an_hour_after_its_last_use) {
  const Job& blob = complete(name_a, {"one"});
  const JobNumber number = blob.number;
  Job& job = needing({name_a});
  context.now = now;
  blobs.hold(job);
  now += 24h;
  EXPECT_TRUE(idle().empty());
  blobs.release(job);
  now += 59min;
  EXPECT_TRUE(idle().empty());
  now += 1min;
  EXPECT_EQ(idle(), std::vector<JobNumber>{number});
}

TEST_F(BlobsRoomTest, idle_blobs_that_take_too_much_memory_go_oldest_first) {
  context.config.memory_limit = 8 * 10'000;  // an eighth of it is for idle blobs
  std::vector<JobNumber> numbers_of;
  Session& client = connect("alice");
  for (const char letter : {'a', 'b', 'c'}) {
    Job& job = complete(std::string(64, letter), {std::string(4500, 'x')}, in_memory());
    job.owner.session = client.id;
    numbers_of.push_back(job.number);
    now += 1s;
  }
  now += 5min;
  EXPECT_TRUE(idle().empty()) << "the jobs that need them may still come from their client";
  sessions.close(client.id);
  EXPECT_EQ(idle(), std::vector<JobNumber>{numbers_of[0]});
}

TEST_F(BlobsRoomTest, a_worker_gets_the_chunks_of_the_blobs_that_its_job_needs) {
  complete(name_a, {std::string(kChunk, 'x'), "two"});
  complete(name_b, {"secret"});
  const std::string empty(64, 'e');
  complete(empty, {});
  const Job& job = needing({name_a, empty});
  Session &worker = worker_for(job), &other = worker_for(add());
  struct Case {
    const char* what;
    Session& worker;
    std::string name;
    std::uint64_t chunk;
    std::optional<std::string> bytes;  ///< none: refused
    std::uint64_t chunks;
  };
  const Case cases[] = {
      {"the first chunk", worker, name_a, 0, std::string(kChunk, 'x'), 2},
      {"the last one", worker, name_a, 1, "two", 2},
      {"one that does not exist", worker, name_a, 2, {}, 0},
      {"an empty blob", worker, empty, 0, "", 0},
      {"of an empty blob, one that does not exist", worker, empty, 1, {}, 0},
      {"a blob that its job does not need", worker, name_b, 0, {}, 0},
      {"a job that the worker does not run", other, name_a, 0, {}, 0},
  };
  for (const Case& c : cases) {
    fetch(c.worker, job, c.name, c.chunk);
    const auto got = answers();
    ASSERT_EQ(got.size(), 1u) << c.what;
    EXPECT_EQ(got[0].why.empty(), c.bytes.has_value()) << c.what << ": " << got[0].why;
    EXPECT_EQ(got[0].bytes.view(), c.bytes.value_or("")) << c.what;
    EXPECT_EQ(got[0].chunks, c.chunks) << c.what;
  }
}

TEST_F(BlobsRoomTest, a_chunk_that_is_not_in_memory_is_loaded_first) {
  Job& blob = complete(name_a, {std::string(kChunk, 'x')});
  commit();
  blob.intake.payloads.evict(0, 0, kChunk, commits.committed());
  const Job& job = needing({name_a});
  Session& worker = worker_for(job);
  fetch(worker, job, name_a, 0);
  ASSERT_EQ(context.effects.size(), 1u);
  const auto load = std::get<Load>(context.effects[0]);
  EXPECT_EQ(load.job, blob.number);
  EXPECT_TRUE(answers().empty());
  fetch(worker, job, name_a, 0);
  EXPECT_TRUE(context.effects.empty()) << "a worker may have one request at a time";
  blob.intake.payloads.on_loaded(load.tasks, batch_of({std::string(kChunk, 'y')}));
  blobs.answer_fetches(now);
  const auto got = answers();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].bytes.view(), std::string(kChunk, 'y'));
}

TEST_F(BlobsRoomTest, a_file_that_cannot_be_read_is_refused_once_with_the_reason) {
  Job& blob = complete(name_a, {"one"});
  blob.phase.reason = std::string("the disk is gone");
  const Job& job = needing({name_a});
  Session& worker = worker_for(job);
  fetch(worker, job, name_a, 0);
  fetch(worker, job, name_a, 0);
  const auto got = answers();
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].why, "the disk is gone");
  EXPECT_EQ(got[1].why, "");
}

}  // namespace
}  // namespace quern::broker
