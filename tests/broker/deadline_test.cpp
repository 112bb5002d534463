// A job that has to end in time, and the metadata that goes with a job.
#include "broker/durable_fixture.hpp"
#include "broker/jobs_fixture.hpp"

namespace quern::broker {
namespace {

class DeadlineTest : public JobsTest {
 protected:
  static wire::Submit urgent(std::uint8_t id, const std::vector<std::string>& items,
                             std::uint64_t deadline_ms) {
    wire::Submit submit = items_job(id, items);
    submit.options.deadline_ms = deadline_ms;
    return submit;
  }
  wire::ErrorMessage refusal() {
    for (const auto& message : c.inbox)
      if (const auto* error = std::get_if<wire::ErrorMessage>(&message)) return *error;
    ADD_FAILURE() << "nothing was refused";
    return {};
  }
};

TEST_F(DeadlineTest, a_job_that_is_late_fails_with_deadline_at_that_moment) {
  client(c);
  send(c, urgent(1, {"a", "b"}, 1500));
  now += 1499ms;
  EXPECT_EQ(core.next_deadline() <= now + 1ms, true) << "the core asks to be called in time";
  settle();
  c.inbox.clear();
  now += 1ms;
  settle();
  const auto update = last_update();
  EXPECT_EQ(update.status.state, JobState::failed);
  EXPECT_EQ(update.status.failure, ErrorCode::deadline);
  EXPECT_EQ(update.status.cancelled, 2u);
  EXPECT_NE(update.status.reason.find("1.500 s"), std::string::npos) << update.status.reason;
  EXPECT_NE(update.status.reason.find("2 of 2"), std::string::npos) << update.status.reason;
}

TEST_F(DeadlineTest, what_runs_is_revoked_and_results_that_exist_stay) {
  client(c);
  worker(w);
  wire::Submit submit = urgent(1, {"a", "b"}, 60'000);
  submit.function = "careful";
  send(c, submit);
  const auto first = expect<wire::Lease>(w);
  send(w, echo(first));
  std::optional<wire::Lease> second;
  for (const auto& lease : leases_of(w)) second = lease;
  ASSERT_TRUE(second);
  pass(60s, {&c, &w});
  const auto update = last_update();
  EXPECT_EQ(update.status.failure, ErrorCode::deadline);
  EXPECT_EQ(update.status.done, 1u);
  EXPECT_EQ(update.status.cancelled, 1u);
  EXPECT_EQ(expect<wire::Revoke>(w).leases, std::vector{second->lease});
}

TEST_F(DeadlineTest, a_job_that_ends_in_time_is_left_alone) {
  client(c);
  worker(w);
  send(c, urgent(1, {"a"}, 1000));
  serve([](const wire::Lease& lease) { return echo(lease); });
  EXPECT_EQ(last_update().status.state, JobState::done);
  now += 2s;
  settle();
  EXPECT_TRUE(c.inbox.empty());
}

TEST_F(DeadlineTest, the_deadline_of_each_job_is_its_own) {
  client(c);
  send(c, urgent(1, {"a"}, 3000));
  send(c, urgent(2, {"a"}, 1000));
  send(c, items_job(3, {"a"}));
  c.inbox.clear();
  now += 1s;
  settle();
  EXPECT_EQ(last_update().status.uuid, uuid(2));
  now += 2s;
  settle();
  EXPECT_EQ(last_update().status.uuid, uuid(1));
  pass(5s, {&c});
  EXPECT_TRUE(c.inbox.empty());
}

TEST_F(DeadlineTest, a_paused_and_an_open_job_end_at_their_deadline) {
  client(c);
  wire::Submit open = urgent(1, {}, 1000);
  open.open = true;
  send(c, open);
  send(c, urgent(2, {"a"}, 1000));
  send(c, wire::Pause{7, uuid(2)});
  c.inbox.clear();
  now += 1s;
  settle();
  int ended = 0;
  for (const auto& message : c.inbox)
    if (const auto* update = std::get_if<wire::JobUpdate>(&message))
      ended += update->status.failure == ErrorCode::deadline;
  EXPECT_EQ(ended, 2);
}

TEST_F(DeadlineTest, failed_tasks_are_retried_only_before_the_deadline) {
  client(c);
  worker(w);
  wire::Submit submit = urgent(1, {"a"}, 10'000);
  submit.options.attempts = 1;
  send(c, submit);
  serve([](const wire::Lease& lease) { return failure(lease, "stones"); });
  EXPECT_EQ(last_update().status.failure, ErrorCode::failed);
  send(c, wire::Retry{5, uuid(1)});
  serve([](const wire::Lease& lease) { return failure(lease, "stones"); });
  EXPECT_EQ(last_update().status.failure, ErrorCode::failed);
  pass(10s, {&c, &w});
  c.inbox.clear();
  send(c, wire::Retry{5, uuid(1)});
  EXPECT_EQ(refusal().code, ErrorCode::bad_input);
  EXPECT_NE(refusal().text.find("deadline"), std::string::npos);
}

TEST_F(DeadlineTest, its_state_tells_the_deadline) {
  client(c);
  send(c, urgent(1, {"a"}, 9000));
  send(c, wire::Query{9, wire::QueryWhat::job, uuid(1)});
  std::optional<JobStatus> status;
  for (const auto& message : c.inbox)
    if (const auto* answer = std::get_if<wire::Answer>(&message)) status = answer->jobs.at(0);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->deadline_ms, 9000u);
}

TEST_F(DurableTest, a_deadline_counts_on_while_the_broker_is_down) {
  Peer c, w, later;
  join(c, 1);
  wire::Submit urgent = items(9, {"a"}), early = items(10, {"a"});
  urgent.options.deadline_ms = 60'000;
  early.options.deadline_ms = 3'600'000;
  tell(c, urgent);
  tell(c, early);
  commit();
  store.age = 61s;
  restart();
  join(later, 3);
  tell(later, wire::Query{5, wire::QueryWhat::job, uuid(9)});
  EXPECT_EQ(take<wire::Answer>(later)->jobs.at(0).failure, ErrorCode::deadline);
  tell(later, wire::Query{6, wire::QueryWhat::job, uuid(10)});
  EXPECT_EQ(take<wire::Answer>(later)->jobs.at(0).failure, ErrorCode::none);
}

// ---- metadata

TEST_F(DeadlineTest, metadata_reaches_a_worker_once_before_the_first_lease) {
  client(c);
  worker(w);
  wire::Submit submit = items_job(1, {"a", "b"}, "careful");
  submit.options.metadata = {{"experiment", "7"}};
  send(c, submit);
  const auto common = expect<wire::Common>(w);
  EXPECT_EQ(common.metadata.at("experiment"), "7");
  EXPECT_EQ(common.bytes.size(), 0u);
  const auto lease = expect<wire::Lease>(w);
  EXPECT_TRUE(lease.common);
  send(w, echo(lease));
  int leases = 0, forgets = 0;
  while (!w.inbox.empty()) {
    const wire::Message message = w.inbox.front();
    w.inbox.pop_front();
    EXPECT_FALSE(std::holds_alternative<wire::Common>(message)) << "it has it already";
    if (const auto* next = std::get_if<wire::Lease>(&message)) {
      ++leases;
      send(w, echo(*next));
    }
    forgets += std::holds_alternative<wire::Forget>(message);
  }
  EXPECT_EQ(leases, 1);
  EXPECT_EQ(forgets, 1);
}

TEST_F(DeadlineTest, metadata_is_in_the_state_of_one_job_and_not_in_lists) {
  client(c);
  wire::Submit submit = items_job(1, {"a"});
  submit.options.metadata = {{"experiment", "7"}};
  send(c, submit);
  const auto asked = [&](wire::QueryWhat what) {
    c.inbox.clear();
    send(c, wire::Query{9, what, uuid(1)});
    for (const auto& message : c.inbox)
      if (const auto* answer = std::get_if<wire::Answer>(&message))
        return answer->jobs.at(0).metadata;
    return std::map<std::string, std::string>{{"no", "answer"}};
  };
  EXPECT_EQ(asked(wire::QueryWhat::job).at("experiment"), "7");
  EXPECT_TRUE(asked(wire::QueryWhat::jobs).empty());
}

}  // namespace
}  // namespace quern::broker
