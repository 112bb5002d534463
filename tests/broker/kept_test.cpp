// How long ended jobs are kept, and how the broker answers for expired ones.
#include "broker/broker_fixture.hpp"

namespace quern::broker {
namespace {

class KeptTest : public BrokerTest {
 protected:
  Peer c, w;

  void SetUp() override {
    client(c);
    worker(w);
  }

  void run(wire::Submit submit) {
    send(c, submit);
    for (const wire::Lease& lease : leases_of(w)) send(w, echo(lease));
    c.inbox.clear();
  }

  JobStatus status(std::uint64_t number) {
    send(c, wire::Query{1, wire::QueryWhat::job, {}, JobNumber{number}});
    return expect<wire::Answer>(c).jobs.at(0);
  }
  wire::ErrorMessage error(std::uint64_t number) {
    send(c, wire::Query{1, wire::QueryWhat::job, {}, JobNumber{number}});
    return expect<wire::ErrorMessage>(c);
  }
  void later(wire::Duration time) {
    now += time;
    core.on_gap(time);
    settle();
    settle();
    c.inbox.clear();
    w.inbox.clear();
  }
};

TEST_F(KeptTest, detached_jobs_keep_results_for_a_week_and_others_for_an_hour) {
  auto detached = items_job(1, {"a"});
  detached.options.detach = true;
  run(detached);
  run(items_job(2, {"a"}));
  EXPECT_EQ(status(1).kept_us, 7ULL * 24 * 3600 * 1'000'000);
  EXPECT_EQ(status(2).kept_us, 3600u * 1'000'000);
  later(61min);
  EXPECT_EQ(status(1).state, JobState::done);
  EXPECT_EQ(error(2).code, ErrorCode::expired) << "an expired job differs from an unknown one";
  EXPECT_EQ(error(3).code, ErrorCode::unknown_job);
  later(24h * 7);
  EXPECT_EQ(error(1).code, ErrorCode::expired);
}

TEST_F(KeptTest, the_time_to_live_of_a_job_overrides_the_default) {
  auto submit = items_job(1, {"a"});
  submit.options.ttl_s = 10;
  run(submit);
  later(9s);
  EXPECT_EQ(status(1).kept_us, 1'000'000u);
  later(2s);
  EXPECT_EQ(error(1).code, ErrorCode::expired);
}

TEST_F(KeptTest, a_retried_job_gets_a_new_time_to_live) {
  auto submit = items_job(1, {"a"});
  submit.options.ttl_s = 10;
  submit.options.attempts = 1;
  send(c, submit);
  for (const wire::Lease& lease : leases_of(w)) send(w, failure(lease, "oh"));
  later(9s);
  send(c, wire::Retry{1, uuid(1), {}});
  for (const wire::Lease& lease : leases_of(w)) send(w, echo(lease));
  c.inbox.clear();
  later(9s);
  EXPECT_EQ(status(1).state, JobState::done);
}

}  // namespace
}  // namespace quern::broker
