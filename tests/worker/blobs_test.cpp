// Blobs at a worker: they are fetched once, chunk by chunk, while leases wait for them; a blob that
// is not available fails only the tasks that need it.
#include "worker/worker_fixture.hpp"

namespace quern::worker {
namespace {

const std::string kName(64, 'a');
const std::string kOther(64, 'b');

class WorkerBlobs : public WorkerCoreTest {
 protected:
  static Config config() {
    Config config = small_config();
    config.keeps_blobs = true;
    config.blob_bytes_max = 10;
    return config;
  }
  WorkerBlobs() : WorkerCoreTest(config()) { welcome(); }

  static Uuid job(std::uint8_t n) {
    Uuid uuid;
    uuid.bytes[0] = n;
    return uuid;
  }
  static wire::Lease lease_of(std::uint8_t n, std::uint64_t counter) {
    wire::Lease lease = item_lease(counter, {{0, 1}});
    lease.job = job(n);
    lease.common = true;
    return lease;
  }
  static wire::Common common(std::uint8_t n, std::vector<std::string> blobs) {
    return {job(n), {}, std::move(blobs)};
  }
  static wire::Blob chunk(const std::string& name, std::uint64_t n, std::uint64_t of,
                          const char* text = "12345") {
    return {name, n, of, "", wire::Buffer::copy(text)};
  }
  static wire::Blob gone(const std::string& name) { return {name, 0, 0, "it was forgotten", {}}; }
  Lines kept(const std::string& name, const std::string& error = "") {
    core.on_blob_kept(name, error);
    return effects();
  }
};

TEST_F(WorkerBlobs, a_lease_waits_until_all_chunks_have_arrived) {
  EXPECT_EQ(say(common(1, {kName})), Lines{"FETCH a/0"});
  EXPECT_EQ(say(lease_of(1, 1)), Lines{});
  EXPECT_EQ(say(chunk(kName, 0, 2)), Lines{"keep a/0"});
  EXPECT_EQ(kept(kName), Lines{"FETCH a/1"});
  EXPECT_EQ(say(chunk(kName, 1, 2)), Lines{"keep a/1 last"});
  EXPECT_EQ(kept(kName), Lines{"start L1[0,1) on 0"});
}

TEST_F(WorkerBlobs, other_jobs_do_not_wait_for_blobs) {
  say(common(1, {kName}));
  say(lease_of(1, 1));
  EXPECT_EQ(say(item_lease(2, {{0, 1}})), Lines{"start L2[0,1) on 0"});
}

TEST_F(WorkerBlobs, a_cached_blob_is_not_fetched_again) {
  say(common(1, {kName}));
  say(chunk(kName, 0, 1));
  kept(kName);
  say(wire::Forget{{job(1)}});
  EXPECT_EQ(say(common(2, {kName})), Lines{});
  EXPECT_EQ(say(lease_of(2, 1)), Lines{"start L1[0,1) on 0"});
}

TEST_F(WorkerBlobs, the_least_recently_used_blob_is_evicted) {
  for (std::uint8_t n = 1; n <= 2; ++n) {
    const std::string& name = n == 1 ? kName : kOther;
    say(common(n, {name}));
    say(chunk(name, 0, 1, "123456"));
    kept(name);
  }
  EXPECT_EQ(say(wire::Forget{{job(2)}}), Lines{"drop b"})
      << "12 bytes are over the limit, and a job needs the other";
  EXPECT_EQ(say(wire::Forget{{job(1)}}), Lines{}) << "6 bytes do not fit";
}

TEST_F(WorkerBlobs, an_unavailable_blob_fails_the_tasks_of_its_job) {
  say(common(1, {kName}));
  say(lease_of(1, 1));
  say(lease_of(1, 2));
  EXPECT_EQ(say(gone(kName)),
            (Lines{"REPORT L1/0 nothing error[0,1) last", "REPORT L2/0 nothing error[0,1) last"}));
  // The next lease triggers another fetch.
  EXPECT_EQ(say(lease_of(1, 3)), Lines{"FETCH a/0"});
}

TEST_F(WorkerBlobs, a_blob_that_cannot_be_written_fails_the_tasks_of_its_job) {
  say(common(1, {kName}));
  say(lease_of(1, 1));
  say(chunk(kName, 0, 2));
  kept(kName);
  say(chunk(kName, 1, 2));
  EXPECT_EQ(kept(kName, "no space"), (Lines{"drop a", "REPORT L1/0 nothing error[0,1) last"}));
}

TEST_F(WorkerBlobs, a_full_disk_is_retried_after_evicting_unused_blobs) {
  say(common(1, {kOther}));
  say(chunk(kOther, 0, 1));
  kept(kOther);
  say(wire::Forget{{job(1)}});
  say(common(2, {kName}));
  say(chunk(kName, 0, 1));
  EXPECT_EQ(kept(kName, "no space"), (Lines{"drop b", "FETCH a/0"}));
  say(chunk(kName, 0, 1));
  EXPECT_EQ(kept(kName), Lines{});
  EXPECT_EQ(say(lease_of(2, 1)), Lines{"start L1[0,1) on 0"});
}

TEST_F(WorkerBlobs, a_new_session_continues_the_fetch_where_the_old_one_stopped) {
  say(common(1, {kName}));
  say(lease_of(1, 1));
  say(chunk(kName, 0, 3));
  kept(kName);
  core.on_lost("closed", now);
  effects();
  now += 100ms;
  const Lines lines = welcome();
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "FETCH a/1"), 1);
}

TEST_F(WorkerBlobs, blobs_of_finished_jobs_are_not_fetched) {
  say(common(1, {kName}));
  say(chunk(kName, 0, 2));
  say(wire::Forget{{job(1)}});
  EXPECT_EQ(kept(kName), Lines{"drop a"});
  EXPECT_EQ(say(common(2, {kName})), Lines{"FETCH a/0"});
}

TEST_F(WorkerBlobs, an_unrequested_chunk_is_ignored) {
  EXPECT_EQ(say(chunk(kName, 0, 1)), Lines{});
  say(common(1, {kName}));
  EXPECT_EQ(say(chunk(kName, 1, 2)), Lines{});
  EXPECT_EQ(say(chunk(kOther, 0, 2)), Lines{});
  EXPECT_EQ(say(chunk(kName, 0, 2)), Lines{"keep a/0"});
}

TEST_F(WorkerBlobs, a_blob_refused_for_one_job_is_requested_for_another) {
  say(common(1, {kName}));
  say(common(2, {kName}));
  say(lease_of(1, 1));
  say(lease_of(2, 2));
  const Lines lines = say(gone(kName));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], "FETCH a/0");
  EXPECT_NE(lines[1].find("error"), std::string::npos) << "one of the jobs does not get its blob";
  say(chunk(kName, 0, 1));
  EXPECT_EQ(kept(kName).size(), 1u) << "the other job runs";
}

TEST_F(WorkerBlobs, a_refusal_for_a_finished_job_fails_nothing_else) {
  say(common(1, {kName}));
  say(wire::Forget{{job(1)}});
  say(common(2, {kName}));
  say(lease_of(2, 1));
  EXPECT_EQ(say(gone(kName)), Lines{"FETCH a/0"});
}

TEST_F(WorkerBlobs, a_blob_changed_on_disk_is_fetched_again) {
  say(common(1, {kName}));
  say(chunk(kName, 0, 1));
  kept(kName);
  core.on_blob_gone(kName);
  EXPECT_EQ(say(lease_of(1, 1)), (Lines{"drop a", "FETCH a/0"}));
  say(chunk(kName, 0, 1));
  EXPECT_EQ(kept(kName), Lines{"start L1[0,1) on 0"});
}

class WithoutPlace : public WorkerCoreTest {
 protected:
  WithoutPlace() { welcome(); }
};

TEST_F(WithoutPlace, a_job_with_blobs_fails_on_a_worker_without_a_cache) {
  wire::Lease lease = item_lease(1, {{0, 1}});
  lease.common = true;
  EXPECT_EQ(say(wire::Common{lease.job, {}, {kName}}), Lines{});
  EXPECT_EQ(say(lease), Lines{"REPORT L1/0 nothing error[0,1) last"});
}

}  // namespace
}  // namespace quern::worker
