// Blobs: clients upload them once; they are kept, found again, fetched by the workers that may, and
// dropped.
#include "broker_fixture.hpp"
#include "wire/blob.hpp"

namespace quern::broker {
namespace {

const std::string kName(64, 'a');
const std::string kOther(64, 'b');
const std::string kFull(wire::kBlobChunk, 'x');

class BlobsTest : public BrokerTest {
 protected:
  static Config with_limit(std::uint64_t memory) {
    Config config = small_config();
    config.memory_limit = memory;
    return config;
  }

  static wire::Submit blob(std::uint8_t id, const std::vector<std::string>& chunks,
                           const std::string& name = kName) {
    wire::Submit submit = items_job(id, chunks, std::string(wire::kBlobFunction));
    submit.options.unique = wire::blob_key(name, false);
    return submit;
  }
  /// Uploads a blob chunk by chunk, because a batch of several chunks would be too large.
  void give(std::uint8_t id, const std::vector<std::string>& chunks,
            const std::string& name = kName) {
    wire::Submit submit = blob(id, {}, name);
    submit.open = true;
    send(c, submit);
    wire::Append append;
    append.job = uuid(id);
    for (const auto& chunk : chunks) {
      append.batch = batch_of({chunk});
      append.close = &chunk == &chunks.back();
      send(c, append);
      ++append.first;
    }
  }
  static wire::Submit job_with(std::uint8_t id, std::vector<std::string> blobs) {
    wire::Submit submit = items_job(id, {"x"});
    submit.options.blobs = std::move(blobs);
    return submit;
  }
  /// The state in the last JOB message of a job. Clears the inbox.
  std::optional<JobState> state(std::uint8_t id) {
    std::optional<JobState> found;
    for (const auto& message : c.inbox)
      if (const auto* update = std::get_if<wire::JobUpdate>(&message);
          update && update->status.uuid == uuid(id))
        found = update->status.state;
    c.inbox.clear();
    return found;
  }
  std::optional<wire::ErrorMessage> error() {
    for (const auto& message : c.inbox)
      if (const auto* found = std::get_if<wire::ErrorMessage>(&message)) return *found;
    return std::nullopt;
  }
  wire::Blob fetch(Peer& peer, std::uint8_t job, const std::string& name, std::uint64_t chunk) {
    peer.inbox.clear();
    send(peer, wire::Fetch{uuid(job), name, chunk});
    return expect<wire::Blob>(peer);
  }

  Peer c, w;
};

TEST_F(BlobsTest, a_complete_blob_is_done_without_running) {
  client(c);
  connect(w, [] {
    wire::Hello hello = worker_hello(200);
    hello.worker->functions.push_back(
        {std::string(wire::kBlobFunction), Takes::item, Encoding::raw, "", false, 0});
    return hello;
  }());
  expect<wire::Welcome>(w);
  wire::Submit submit = blob(1, {kFull});
  submit.open = true;
  send(c, submit);
  EXPECT_EQ(state(1), std::nullopt);
  wire::Append rest;
  rest.job = uuid(1);
  rest.first = 1;
  rest.close = true;
  rest.batch = batch_of({"three"});
  send(c, rest);
  EXPECT_EQ(state(1), JobState::done);
  expect_nothing(w);
}

TEST_F(BlobsTest, a_blob_is_not_listed_as_a_job) {
  client(c);
  send(c, blob(1, {"one"}));
  send(c, items_job(2, {"x"}));
  c.inbox.clear();
  send(c, wire::Query{5, wire::QueryWhat::jobs, {}, {}, 100});
  const auto answer = expect<wire::Answer>(c);
  ASSERT_EQ(answer.jobs.size(), 1u);
  EXPECT_EQ(answer.jobs[0].uuid, uuid(2));
}

TEST_F(BlobsTest, submissions_that_are_not_valid_blobs_are_refused) {
  client(c);
  const auto refused = [&](wire::Submit submit) {
    c.inbox.clear();
    send(c, submit);
    const auto found = error();
    return found && found->code == ErrorCode::bad_input;
  };
  wire::Submit no_key = blob(1, {"x"});
  no_key.options.unique = "quern.blob/short";
  EXPECT_TRUE(refused(no_key));
  no_key.options.unique.clear();
  EXPECT_TRUE(refused(no_key));
  wire::Submit not_kept = blob(1, {"x"});
  not_kept.options.durability = Durability::memory;
  EXPECT_TRUE(refused(not_kept)) << "a blob in memory needs another key";
  wire::Submit range = range_job(1, 0, 10, std::string(wire::kBlobFunction));
  range.options.unique = wire::blob_key(kName, false);
  EXPECT_TRUE(refused(range));
}

TEST_F(BlobsTest, a_worker_can_fetch_the_chunks_that_its_job_needs) {
  client(c);
  worker(w);
  give(1, {kFull, "two"});
  send(c, job_with(2, {kName}));
  const auto common = expect<wire::Common>(w);
  EXPECT_EQ(common.blobs, std::vector<std::string>{kName});
  const auto lease = expect<wire::Lease>(w);
  EXPECT_TRUE(lease.common);
  const auto first = fetch(w, 2, kName, 0);
  EXPECT_EQ(first.bytes.view(), kFull);
  EXPECT_EQ(first.chunks, 2u);
  EXPECT_EQ(fetch(w, 2, kName, 1).bytes.view(), "two");
  EXPECT_NE(fetch(w, 2, kName, 2).why, "");
}

TEST_F(BlobsTest, a_worker_cannot_fetch_blobs_that_its_jobs_do_not_need) {
  Peer other;
  client(c);
  worker(w);
  worker(other, 201);
  send(c, blob(1, {"one"}));
  send(c, blob(2, {"secret"}, kOther));
  send(c, job_with(3, {kName}));
  Peer& holder = w.inbox.empty() ? other : w;
  Peer& idle = w.inbox.empty() ? w : other;
  EXPECT_EQ(fetch(holder, 3, kName, 0).why, "");
  EXPECT_NE(fetch(holder, 3, kOther, 0).why, "");
  EXPECT_NE(fetch(idle, 3, kName, 0).why, "");
  EXPECT_NE(fetch(holder, 2, kOther, 0).why, "");
}

TEST_F(BlobsTest, an_empty_blob_has_no_chunks_and_can_be_fetched) {
  client(c);
  worker(w);
  send(c, blob(1, {}));
  EXPECT_EQ(state(1), JobState::done);
  send(c, job_with(2, {kName}));
  const auto chunk = fetch(w, 2, kName, 0);
  EXPECT_EQ(chunk.why, "");
  EXPECT_EQ(chunk.chunks, 0u);
  EXPECT_EQ(chunk.bytes.size(), 0u);
}

TEST_F(BlobsTest, a_job_that_needs_an_incomplete_blob_is_refused) {
  client(c);
  wire::Submit open = blob(1, {"one"});
  open.open = true;
  send(c, open);
  c.inbox.clear();
  send(c, job_with(2, {kName}));  // not complete yet
  ASSERT_TRUE(error());
  EXPECT_EQ(error()->code, ErrorCode::unknown_job);
}

TEST_F(BlobsTest, the_same_file_is_stored_once) {
  client(c);
  send(c, blob(1, {"one"}));
  c.inbox.clear();
  send(c, blob(2, {"one"}));
  const auto accepted = expect<wire::Accepted>(c);
  EXPECT_TRUE(accepted.existing);
  EXPECT_EQ(accepted.job, uuid(1));
}

TEST_F(BlobsTest, a_cancelled_upload_does_not_prevent_a_new_one) {
  client(c);
  wire::Submit open = blob(1, {"one"});
  open.open = true;
  send(c, open);
  send(c, wire::Cancel{5, uuid(1), {}, {}});
  EXPECT_EQ(state(1), JobState::cancelled);
  send(c, blob(2, {"one"}));
  EXPECT_EQ(state(2), JobState::done);
}

TEST_F(BlobsTest, a_blob_is_kept_while_a_job_needs_it_and_for_one_more_hour) {
  client(c);
  send(c, blob(1, {"one"}));
  send(c, job_with(2, {kName}));  // no worker runs it
  pass(2 * 3600s, {&c});
  c.inbox.clear();
  worker(w);
  expect<wire::Common>(w);
  const auto lease = expect<wire::Lease>(w);
  EXPECT_EQ(fetch(w, 2, kName, 0).bytes.view(), "one");
  send(w, echo(lease));
  EXPECT_EQ(state(2), JobState::done);
  pass(1800s, {&c, &w});
  c.inbox.clear();
  send(c, blob(3, {"one"}));
  EXPECT_TRUE(expect<wire::Accepted>(c).existing);
  pass(3700s, {&c, &w});
  c.inbox.clear();
  send(c, blob(4, {"one"}));
  EXPECT_FALSE(expect<wire::Accepted>(c).existing);
}

TEST_F(BlobsTest, a_failed_job_keeps_its_blobs_for_a_retry) {
  client(c);
  worker(w);
  send(c, blob(1, {"one"}));
  wire::Submit submit = job_with(2, {kName});
  submit.options.attempts = 1;
  send(c, submit);
  expect<wire::Common>(w);
  send(w, failure(expect<wire::Lease>(w), "no"));
  EXPECT_EQ(state(2), JobState::failed);
  w.inbox.clear();
  send(c, wire::Retry{5, uuid(2), {}});
  EXPECT_EQ(expect<wire::Common>(w).blobs, std::vector<std::string>{kName});
  EXPECT_EQ(fetch(w, 2, kName, 0).bytes.view(), "one");
}

TEST_F(BlobsTest, all_chunks_except_the_last_have_the_same_size) {
  client(c);
  const auto ends_badly = [&](std::uint8_t id, const std::vector<std::string>& chunks) {
    give(id, chunks, std::string(64, static_cast<char>('a' + id)));
    return state(id) == JobState::failed;
  };
  EXPECT_TRUE(ends_badly(1, {"short", "again"}));
  EXPECT_TRUE(ends_badly(2, {kFull, "short", kFull}));
  EXPECT_TRUE(ends_badly(3, {kFull + "x"})) << "a worker would refuse it";
  EXPECT_TRUE(ends_badly(4, {kFull, ""}));
  c.inbox.clear();
  send(c, blob(5, {kFull + "x"}));
  ASSERT_TRUE(error());
  EXPECT_EQ(error()->code, ErrorCode::bad_input);
}

TEST_F(BlobsTest, a_fetch_without_a_token_is_a_role_error_for_a_client) {
  client(c);
  send(c, blob(1, {"one"}));
  c.inbox.clear();
  send(c, wire::Fetch{uuid(1), kName, 0});
  EXPECT_EQ(expect<wire::ErrorMessage>(c).code, ErrorCode::role);
}

TEST_F(BlobsTest, a_client_reads_its_file_by_name_and_then_by_the_upload) {
  client(c);
  give(1, {kFull, "two"});
  c.inbox.clear();
  send(c, wire::Fetch{{}, kName, 0, 31});
  const auto first = expect<wire::Blob>(c);
  EXPECT_EQ(first.bytes.view(), kFull);
  EXPECT_EQ(first.chunks, 2u);
  EXPECT_EQ(first.token, 31u);
  EXPECT_EQ(first.job, uuid(1));
  send(c, wire::Beat{true, {}, {}});  // it has read the chunk
  c.inbox.clear();
  send(c, wire::Fetch{first.job, kName, 1, 32});
  EXPECT_EQ(expect<wire::Blob>(c).bytes.view(), "two");
}

TEST_F(BlobsTest, a_client_cannot_read_what_is_not_a_complete_file) {
  client(c);
  send(c, blob(1, {"one"}));
  send(c, items_job(2, {"x"}));
  wire::Submit open = blob(3, {kFull}, kOther);
  open.open = true;
  send(c, open);
  const std::string unknown(64, 'c');
  const std::pair<const char*, wire::Fetch> cases[] = {
      {"a name that nobody gave", {{}, unknown, 0, 41}},
      {"an upload that is not complete", {{}, kOther, 0, 42}},
      {"the same by its job", {uuid(3), kOther, 0, 43}},
      {"a job that is no file", {uuid(2), kName, 0, 44}},
      {"the name of another file", {uuid(1), kOther, 0, 45}},
      {"a chunk beyond the end", {{}, kName, 1, 46}},
  };
  for (const auto& [what, fetch] : cases) {
    c.inbox.clear();
    send(c, fetch);
    const auto no = expect<wire::ErrorMessage>(c);
    EXPECT_EQ(no.token, fetch.token) << what;
    EXPECT_EQ(no.code, fetch.chunk == 0 ? ErrorCode::unknown_job : ErrorCode::bad_input) << what;
    EXPECT_FALSE(no.fatal) << what;
  }
}

TEST_F(BlobsTest, a_client_that_does_not_read_gets_no_more_chunks) {
  client(c);
  give(1, {kFull, kFull, kFull, kFull, "end"});
  c.inbox.clear();
  for (std::uint64_t chunk = 0; chunk < 5; ++chunk)
    send(c, wire::Fetch{{}, kName, chunk, 50 + chunk});
  const auto chunks_here = [&] {
    return std::count_if(c.inbox.begin(), c.inbox.end(), [](const auto& message) {
      return std::holds_alternative<wire::Blob>(message);
    });
  };
  EXPECT_EQ(chunks_here(), 1);
  for (int more = 2; more <= 4; ++more) {
    send(c, wire::Beat{true, {}, {}});
    EXPECT_EQ(chunks_here(), more);
  }
}

TEST_F(BlobsTest, a_client_that_requests_too_many_chunks_is_told) {
  client(c);
  give(1, {kFull, "two"});
  c.inbox.clear();
  for (std::uint64_t n = 0; n <= wire::kReadsMost + 1; ++n)
    send(c, wire::Fetch{{}, kName, 0, 70 + n});
  ASSERT_TRUE(error());  // one was answered, so one more than the limit is too many
  EXPECT_EQ(error()->code, ErrorCode::limit);
  EXPECT_EQ(error()->token, 70 + wire::kReadsMost + 1);
}

TEST_F(BlobsTest, cancelling_part_of_an_upload_cancels_the_blob) {
  client(c);
  for (const bool waiting : {false, true}) {
    const std::uint8_t id = waiting ? 2 : 1;
    wire::Submit open = blob(id, {kFull});
    open.open = true;
    send(c, open);
    send(c, wire::Cancel{
                5, uuid(id), {}, waiting ? wire::Intervals{} : wire::Intervals{{0, 1}}, waiting});
    EXPECT_EQ(state(id), JobState::cancelled);
  }
}

TEST_F(BlobsTest, an_upload_from_a_silent_client_is_cancelled_when_another_client_needs_the_file) {
  client(c);
  wire::Submit open = blob(1, {kFull});
  open.open = true;
  send(c, open);
  Peer other;
  client(other, 101);
  send(other, blob(2, {"one"}));
  EXPECT_TRUE(expect<wire::Accepted>(other).existing);
  pass(5s, {&other});
  other.inbox.clear();
  send(other, wire::Attach{7, uuid(1), {}, 0, 0, 0, false});
  other.inbox.clear();
  Peer third;
  client(third, 102);
  send(third, blob(3, {"one"}));
  EXPECT_FALSE(expect<wire::Accepted>(third).existing);
  const auto told = expect<wire::JobUpdate>(other);
  EXPECT_EQ(told.status.state, JobState::cancelled) << "clients that follow it are informed";
}

TEST_F(BlobsTest, a_worker_may_fetch_again_after_each_answer) {
  client(c);
  worker(w);
  send(c, blob(1, {"one"}));
  send(c, job_with(2, {kName}));
  EXPECT_EQ(fetch(w, 2, kName, 0).why, "");
  EXPECT_EQ(fetch(w, 2, kName, 0).why, "");
}

class BlobsInSmallMemoryTest : public BlobsTest {
 protected:
  BlobsInSmallMemoryTest() { replace_core(with_limit(16u << 20)); }
};

TEST_F(BlobsInSmallMemoryTest, a_blob_that_does_not_fit_into_memory_fails) {
  client(c);
  wire::Submit submit = blob(1, {});
  submit.open = true;
  send(c, submit);
  std::uint64_t credit = expect<wire::Accepted>(c).credit_to;
  const std::string chunk(1u << 20, 'x');
  wire::Append append;
  append.job = uuid(1);
  for (std::uint64_t sent = 0; sent + chunk.size() + 4 <= credit; sent += chunk.size() + 4) {
    append.batch = batch_of({chunk});
    send(c, append);
    ++append.first;
    for (const auto& message : c.inbox)
      if (const auto* accepted = std::get_if<wire::Accepted>(&message))
        credit = std::max(credit, accepted->credit_to);
  }
  // The credit may be exceeded by one item.
  append.batch = batch_of({chunk});
  send(c, append);
  EXPECT_EQ(state(1), JobState::failed);
}

TEST_F(BlobsInSmallMemoryTest, unused_blobs_are_dropped_to_make_room) {
  client(c);
  for (std::uint8_t i = 0; i < 6; ++i) {
    send(c, blob(static_cast<std::uint8_t>(10 + i), {std::string(600u << 10, 'x')},
                 std::string(64, static_cast<char>('a' + i))));
    pass(601s, {&c});
  }
  EXPECT_LE(core.memory_used(), 3u << 20);
  c.inbox.clear();
  send(c, blob(1, {""}, std::string(64, 'f')));
  EXPECT_TRUE(expect<wire::Accepted>(c).existing) << "the latest one is still stored";
  send(c, blob(2, {""}, std::string(64, 'a')));
  c.inbox.pop_front();
}

}  // namespace
}  // namespace quern::broker
