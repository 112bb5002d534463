// The side of the clients: pulls, results, locks, answers that are lost.
#include "gateway/pull_fixture.hpp"

namespace quern::gateway::pull {
namespace {

TEST_F(PullTest, a_pull_gets_a_task_and_its_result_is_reported) {
  connect();
  pull("A");
  EXPECT_EQ(effects(), Lines{});
  grant(1, {{5, 6}});
  EXPECT_EQ(effects(), Lines{"#1 gets A[5,6)"});
  EXPECT_EQ(grants[0].portions[0].batch.bytes.view(), "input 5");
  complete("A.0");
  EXPECT_EQ(effects(), Lines{"REPORT L1/0 [5,6) last"});
  reported(1, 0);
  EXPECT_EQ(effects(), Lines{"#2 counted 1"});
}

TEST_F(PullTest, two_pulls_never_get_the_same_task) {
  connect();
  pull("A", 2, "a");
  pull("B", 2, "b");
  grant(1, {{0, 3}});
  EXPECT_EQ(effects(), (Lines{"#1 gets A[0,2)", "#2 gets B[2,3)"}));
  pull("C", 9, "c");
  EXPECT_EQ(effects(), Lines{});
  grant(2, {{3, 5}, {8, 9}});
  EXPECT_EQ(effects(), Lines{"#3 gets C[3,5)[8,9)"});
}

TEST_F(PullTest, a_pull_takes_tasks_of_several_leases) {
  connect();
  pull("A", 4);
  core.on_message({session, lease(1, {{0, 1}})}, now);
  core.on_message({session, lease(2, {{1, 3}})}, now);
  core.on_message({session, lease(3, {{3, 9}})}, now);
  EXPECT_EQ(effects(), Lines{"#1 gets A[0,1)[1,3)[3,4)"});
  EXPECT_EQ(grants[0].portions[2].place, 3u);
  complete("A", 4);
  EXPECT_EQ(effects(),
            (Lines{"REPORT L1/0 [0,1) last", "REPORT L2/0 [1,3) last", "REPORT L3/0 [3,4)"}));
  reported_all();
  EXPECT_EQ(effects(), Lines{"#2 counted 4"});
}

TEST_F(PullTest, results_are_reported_as_they_come) {
  connect();
  pull("A", 3);
  grant(1, {{0, 3}});
  EXPECT_EQ(effects(), Lines{"#1 gets A[0,3)"});
  complete("A.1");
  EXPECT_EQ(effects(), Lines{"REPORT L1/0 [1,2)"});
  complete("A.2");
  complete("A.0");
  EXPECT_EQ(effects(), Lines{"REPORT L1/1 [0,1)[2,3) last"});
}

TEST_F(PullTest, completing_again_gets_the_same_answer) {
  connect();
  pull("A");
  grant(1, {{0, 1}});
  effects();
  complete("A.0");
  complete("A.0");  // before the broker has acknowledged the first
  EXPECT_EQ(effects(), Lines{"REPORT L1/0 [0,1) last"});
  reported_all();
  EXPECT_EQ(effects(), (Lines{"#2 counted 1", "#3 counted 1"}));
  complete("A.0");
  complete("A");
  EXPECT_EQ(effects(), (Lines{"#4 counted 1", "#5 counted 1"}));
}

TEST_F(PullTest, a_batch_needs_one_result_per_task) {
  connect();
  pull("A", 3);
  grant(1, {{0, 3}});
  effects();
  complete("A", 2);
  EXPECT_EQ(effects(), Lines{"#2 mismatch"});
  fail("A.1");
  EXPECT_EQ(effects(), Lines{"REPORT L1/0 nothing failed[1,2)"});
  reported_all();
  EXPECT_EQ(effects(), Lines{"#3 counted 1"});
  complete("A", 3);  // what has ended does not count
  EXPECT_EQ(effects(), Lines{"REPORT L1/1 [0,1)[2,3) last"});
  reported_all();
  EXPECT_EQ(effects(), Lines{"#4 counted 2 not 1"});
}

TEST_F(PullTest, a_token_that_nobody_got_is_over) {
  connect();
  complete("X.0");
  fail("X");
  release("X.3");
  extend("X");
  EXPECT_EQ(effects(), (Lines{"#1 over", "#2 over", "#3 over", "#4 over"}));
  pull("A");
  grant(1, {{0, 1}});
  effects();
  complete("A.1");
  EXPECT_EQ(effects(), Lines{"#6 over"});
}

TEST_F(PullTest, failures_keep_their_kind) {
  connect();
  pull("A", 4);
  grant(1, {{0, 4}});
  effects();
  fail("A.3", true);
  EXPECT_EQ(effects(), Lines{"REPORT L1/0 nothing permanent[3,4)"});
  fail("A");
  EXPECT_EQ(effects(), Lines{"REPORT L1/1 nothing failed[0,3) last"});
}

// ---- locks

TEST_F(PullTest, an_expired_lock_is_a_failed_attempt_and_a_late_result_is_rejected) {
  connect();
  pull("A", 2, "a", {}, 10s);
  grant(1, {{0, 2}});
  effects();
  complete("A.0");
  EXPECT_EQ(effects(), Lines{"REPORT L1/0 [0,1)"});
  reported_all();
  effects();
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(after(1s), Lines{});
    from_broker(wire::Beat{true, {}, {}});
  }
  EXPECT_EQ(after(1s), Lines{"REPORT L1/1 nothing timeout[1,2) last"});
  reported_all();
  complete("A.1");
  complete("A.0");
  extend("A.1");
  EXPECT_EQ(effects(), (Lines{"#3 over", "#4 counted 1", "#5 over"}));
}

TEST_F(PullTest, a_result_at_the_moment_of_expiry_is_late) {
  connect();
  pull("A", 1, "a", {}, 2s);
  grant(1, {{0, 1}});
  effects();
  now += 2s;
  complete("A.0");
  EXPECT_EQ(effects(), (Lines{"#2 over", "REPORT L1/0 nothing timeout[0,1) last"}));
}

TEST_F(PullTest, extend_moves_the_end_of_the_lock) {
  connect();
  pull("A", 1, "a", {}, 2s);
  grant(1, {{0, 1}});
  effects();
  now += 1s;
  extend("A.0", 2s);
  EXPECT_EQ(effects(), Lines{"#2 extended"});
  EXPECT_EQ(after(1500ms), Lines{});
  from_broker(wire::Beat{true, {}, {}});
  EXPECT_EQ(after(500ms), Lines{"REPORT L1/0 nothing timeout[0,1) last"});
}

TEST_F(PullTest, no_lock_is_longer_than_the_time_limit_of_the_job) {
  connect();
  pull("A", 2, "a", {}, 60s);
  wire::Lease timed = lease(1, {{0, 2}});
  timed.timeout_ms = 500;
  from_broker(timed);
  effects();
  EXPECT_EQ(grants[0].lock, 1s);
  extend("A", 60s);
  EXPECT_EQ(effects(), Lines{"#2 extended"});
  EXPECT_EQ(after(1s), Lines{"REPORT L1/0 nothing timeout[0,2) last"});
}

// ---- answers that are lost

TEST_F(PullTest, tasks_of_a_lost_answer_can_be_pulled_again_at_once) {
  connect();
  const Ticket lost = pull("A", 2);
  grant(1, {{0, 2}});
  EXPECT_EQ(effects(), Lines{"#1 gets A[0,2)"});
  core.on_gone(lost, now);
  pull("B", 2, "b");
  EXPECT_EQ(effects(), Lines{"#2 gets B[0,2)"});
  complete("A.0");
  EXPECT_EQ(effects(), Lines{"#3 over"});
}

TEST_F(PullTest, without_another_pull_they_go_back_to_the_broker_without_an_attempt) {
  connect();
  const Ticket lost = pull("A", 2);
  grant(1, {{0, 2}});
  effects();
  core.on_gone(lost, now);
  EXPECT_EQ(effects(), Lines{});
  EXPECT_EQ(after(1s), (Lines{"DRAINING", "REPORT L1/0 nothing last"}));
}

TEST_F(PullTest, a_client_that_leaves_while_it_waits_gets_nothing) {
  connect();
  const Ticket gone = pull("A");
  pull("B");
  core.on_gone(gone, now);
  grant(1, {{0, 1}});
  EXPECT_EQ(effects(), Lines{"#2 gets B[0,1)"});
}

TEST_F(PullTest, a_repeated_request_gets_the_same_answer) {
  connect();
  pull("A", 2, "a", "r1");
  grant(1, {{0, 2}, {4, 5}});
  EXPECT_EQ(effects(), Lines{"#1 gets A[0,2)"});
  pull("B", 2, "a", "r1");
  EXPECT_EQ(effects(), Lines{"#2 gets A[0,2)"});
  pull("C", 2, "a", "r2");
  EXPECT_EQ(effects(), Lines{"#3 gets C[4,5)"});
  complete("A", 2);
  EXPECT_EQ(effects(), Lines{"REPORT L1/0 [0,2)"});
  grant(2, {{6, 7}});
  pull("D", 1, "a", "r1");  // the lock is over: a new request
  EXPECT_EQ(effects(), Lines{"#5 gets D[6,7)"});
}

TEST_F(PullTest, a_request_that_is_repeated_while_it_waits_replaces_the_first) {
  connect();
  pull("A", 1, "a", "r1");
  pull("B", 1, "a", "r1");
  EXPECT_EQ(effects(), Lines{"#1 gets nothing"});
  grant(1, {{0, 1}});
  EXPECT_EQ(effects(), Lines{"#2 gets B[0,1)"});
}

TEST_F(PullTest, a_late_loss_of_the_first_answer_does_not_take_the_second) {
  connect();
  const Ticket first = pull("A", 1, "a", "r1");
  grant(1, {{0, 1}});
  effects();
  const Ticket second = pull("B", 1, "a", "r1");
  core.on_gone(first, now);
  core.on_delivered(second);
  pull("C", 1, "c");
  EXPECT_EQ(effects(), Lines{"#2 gets A[0,1)"});
  complete("A.0");
  EXPECT_EQ(effects(), Lines{"REPORT L1/0 [0,1) last"});
}

TEST_F(PullTest, when_all_answers_are_lost_the_tasks_are_free) {
  connect();
  const Ticket first = pull("A", 1, "a", "r1");
  grant(1, {{0, 1}});
  effects();
  const Ticket second = pull("B", 1, "a", "r1");
  effects();
  core.on_gone(first, now);
  core.on_gone(second, now);
  pull("C", 1, "c");
  EXPECT_EQ(effects(), Lines{"#3 gets C[0,1)"});
}

}  // namespace
}  // namespace quern::gateway::pull
