// How long ended jobs are kept, and which of them goes first when there are too many.
#include "broker/core/jobs/kept_jobs.hpp"

#include "broker/rooms/jobs_room_fixture.hpp"

namespace quern::broker {
namespace {

class KeptJobsTest : public JobsRoomTest {
 protected:
  static Config few() {
    Config config = with_store();
    config.keep = 1h;
    config.keep_results = 24h * 7;
    config.finished_max = 2;
    config.kept_max = 3;
    config.keep_bytes = 10'000;
    config.memory_limit = 20'000;  // a quarter of it is for results of jobs in memory
    return config;
  }
  KeptJobsTest() : JobsRoomTest(few()) {}

  static wire::JobOptions detached(std::uint64_t ttl_s = 0) {
    wire::JobOptions options;
    options.detach = true;
    options.ttl_s = ttl_s;
    return options;
  }
  /// A job that ends now with a result of this many bytes.
  Job& ended(wire::JobOptions options, std::size_t bytes = 0) {
    Job& job = add(std::move(options));
    if (bytes > 0) produce(job, bytes);
    end(job);
    kept.keep(job);
    return job;
  }
  /// Forgets what has to be forgotten now, as the core does.
  std::vector<JobNumber> expired() {
    std::vector<JobNumber> out;
    while (const auto number = kept.next_expired(now)) {
      out.push_back(*number);
      kept.let_go(jobs.at(*number));
      jobs.remove(jobs.at(*number));
    }
    return out;
  }

  KeptJobs kept{context, jobs};
};

TEST_F(KeptJobsTest, options_decide_how_long_a_job_is_kept) {
  struct Case {
    const char* what;
    wire::JobOptions options;
    std::chrono::seconds kept;
  };
  wire::JobOptions keyed, short_lived;
  keyed.unique = "key";
  short_lived.ttl_s = 10;
  const Case cases[] = {
      {"its client followed it to its end", {}, 1h},
      {"detached", detached(), 24h * 7},
      {"with an idempotency key", keyed, 24h * 7},
      {"with a time to live", short_lived, 10s},
      {"detached, with a time to live", detached(10), 10s},
  };
  for (const Case& c : cases) {
    const Job& job = ended(c.options);
    const JobNumber number = job.number;
    EXPECT_EQ(kept.expires(job), now + c.kept) << c.what;
    now += c.kept - 1s;
    EXPECT_TRUE(expired().empty()) << c.what;
    now += 1s;
    EXPECT_EQ(expired(), std::vector<JobNumber>{number}) << c.what;
  }
}

TEST_F(KeptJobsTest, of_too_many_jobs_that_were_followed_the_oldest_goes) {
  const JobNumber first = ended({}).number;
  ended({});
  EXPECT_TRUE(expired().empty());
  ended({});
  EXPECT_EQ(expired(), std::vector<JobNumber>{first});
}

TEST_F(KeptJobsTest, of_too_many_jobs_whose_results_are_fetched_the_next_to_expire_goes) {
  ended(detached());
  const JobNumber next = ended(detached(60)).number;
  ended(detached());
  EXPECT_TRUE(expired().empty());
  ended(detached());
  EXPECT_EQ(expired(), std::vector<JobNumber>{next});
}

TEST_F(KeptJobsTest, results_that_do_not_fit_expire_early_with_a_warning) {
  const JobNumber first = ended(detached(), 6000).number;
  wire::JobOptions options = detached();
  options.durability = Durability::memory;
  ended(options, 3000);
  context.effects.clear();
  EXPECT_TRUE(expired().empty()) << "results in memory and in the store are counted apart";
  EXPECT_TRUE(context.effects.empty());
  now += 1s;
  ended(detached(), 6000);
  EXPECT_EQ(expired(), std::vector<JobNumber>{first});
  ASSERT_EQ(context.effects.size(), 1u);
  EXPECT_NE(std::get<Note>(context.effects[0]).text.find("--keep-bytes"), std::string::npos);
}

TEST_F(KeptJobsTest, results_in_memory_have_a_budget_of_their_own) {
  wire::JobOptions options = detached();
  options.durability = Durability::memory;
  const JobNumber first = ended(options, 3000).number;
  EXPECT_TRUE(expired().empty());
  now += 1s;
  ended(options, 3000);
  EXPECT_EQ(expired(), std::vector<JobNumber>{first});
}

TEST_F(KeptJobsTest, a_job_that_runs_again_does_not_expire) {
  for (const bool detach : {false, true}) {
    Job& job = ended(detach ? detached() : wire::JobOptions{}, 6000);
    kept.let_go(job);
    now += 24h * 365;
    EXPECT_TRUE(expired().empty()) << detach;
    EXPECT_EQ(job.books.kept_bytes, 0u);
  }
  ended(detached(), 6000);
  EXPECT_TRUE(expired().empty()) << "the bytes of the other are not counted any more";
}

TEST_F(KeptJobsTest, results_that_nobody_will_read_are_named_once) {
  const Job &one = ended(detached()), &two = ended(detached());
  kept.drop_results_at(two, now + 20s);
  kept.drop_results_at(one, now + 10s);
  EXPECT_FALSE(kept.next_unread(now));
  EXPECT_EQ(kept.next_unread(now + 15s), one.number);
  EXPECT_FALSE(kept.next_unread(now + 15s));
  EXPECT_EQ(kept.next_unread(now + 20s), two.number);
}

}  // namespace
}  // namespace quern::broker
