// Pausing a job and letting it go on.
#include "broker/durable_fixture.hpp"
#include "broker/jobs_fixture.hpp"

namespace quern::broker {
namespace {

class PauseTest : public JobsTest {
 protected:
  wire::JobUpdate pause(std::uint8_t id, bool resume = false) {
    c.inbox.clear();
    send(c, wire::Pause{7, uuid(id), {}, resume});
    for (const auto& message : c.inbox)
      if (const auto* update = std::get_if<wire::JobUpdate>(&message); update && update->token == 7)
        return *update;
    ADD_FAILURE() << "PAUSE was not answered by JOB";
    return {};
  }
  ErrorCode refusal(std::uint8_t id) {
    c.inbox.clear();
    send(c, wire::Pause{7, uuid(id)});
    for (const auto& message : c.inbox)
      if (const auto* error = std::get_if<wire::ErrorMessage>(&message)) return error->code;
    return ErrorCode::none;
  }
};

TEST_F(PauseTest, a_paused_job_gets_no_leases_until_it_is_resumed) {
  client(c);
  send(c, items_job(1, {"a"}));
  const auto update = pause(1);
  EXPECT_TRUE(update.status.paused);
  EXPECT_EQ(update.status.state, JobState::waiting);
  EXPECT_NE(update.status.reason.find("quern resume 1"), std::string::npos) << update.status.reason;
  worker(w);
  EXPECT_TRUE(leases_of(w).empty());
  EXPECT_FALSE(pause(1, true).status.paused);
  EXPECT_EQ(leases_of(w).size(), 1u);
}

TEST_F(PauseTest, what_a_paused_job_has_started_goes_on_and_counts) {
  client(c);
  worker(w);
  send(c, items_job(1, {"a", "b", "c", "d"}));
  const auto lease = expect<wire::Lease>(w);
  EXPECT_EQ(pause(1).status.leased, wire::size(lease.tasks));
  send(w, echo(lease));
  expect<wire::Reported>(w);
  EXPECT_TRUE(leases_of(w).empty()) << "nothing of it is left to do while it is paused";
  const auto update = pause(1);
  EXPECT_EQ(update.status.done, wire::size(lease.tasks));
  EXPECT_LT(update.status.eta_s, 0);
}

TEST_F(PauseTest, other_jobs_take_the_workers_of_a_paused_job) {
  client(c);
  wire::Submit first = items_job(1, {"a", "b"});
  first.options.priority = 0;
  send(c, first);
  send(c, items_job(2, {"x"}));
  pause(1);
  worker(w);
  const auto leases = leases_of(w);
  ASSERT_EQ(leases.size(), 1u);
  EXPECT_EQ(leases[0].job, uuid(2));
}

TEST_F(PauseTest, a_paused_job_takes_input_and_can_be_cancelled) {
  client(c);
  worker(w);
  wire::Submit job = items_job(1, {});
  job.open = true;
  send(c, job);
  pause(1);
  send(c, wire::Append{uuid(1), 0, true, batch_of({"late"}), {}});
  EXPECT_EQ(pause(1).status.total, 1u);
  EXPECT_TRUE(leases_of(w).empty());
  send(c, wire::Cancel{8, uuid(1)});
  const auto update = last_update();
  EXPECT_EQ(update.status.state, JobState::cancelled);
  EXPECT_FALSE(update.status.paused);
  EXPECT_EQ(refusal(1), ErrorCode::bad_input);
}

TEST_F(PauseTest, explain_says_how_a_paused_job_goes_on) {
  client(c);
  worker(w);
  wire::Submit job = items_job(1, {});
  job.open = true;
  send(c, job);
  pause(1);
  send(c, wire::Query{9, wire::QueryWhat::explain, uuid(1)});
  std::string text;
  for (const auto& message : c.inbox)
    if (const auto* answer = std::get_if<wire::Answer>(&message))
      for (const auto& line : answer->text) text += line + "\n";
  EXPECT_NE(text.find("`quern resume 1`"), std::string::npos) << text;
  EXPECT_NE(text.find("no estimate"), std::string::npos) << text;
  EXPECT_EQ(text.find("Waiting for a slot"), std::string::npos) << text;
}

TEST_F(DurableTest, a_paused_job_is_still_paused_after_a_restart) {
  Peer c, w, later;
  join(c, 1);
  tell(c, items(9, {"a"}));
  tell(c, wire::Pause{5, uuid(9)});
  EXPECT_FALSE(take<wire::JobUpdate>(c)) << "the store does not hold it yet";
  commit();
  EXPECT_TRUE(take<wire::JobUpdate>(c)->status.paused);
  restart();
  join(w, "w", 2);
  commit();
  EXPECT_FALSE(take<wire::Lease>(w));
  join(later, 3);
  tell(later, wire::Pause{6, uuid(9), {}, true});
  commit();
  EXPECT_TRUE(take<wire::Lease>(w));
}

}  // namespace
}  // namespace quern::broker
