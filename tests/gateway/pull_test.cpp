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

// ---- what the broker takes back

TEST_F(PullTest, what_is_revoked_is_cancelled_for_its_client) {
  connect();
  pull("A", 2);
  grant(1, {{0, 2}});
  effects();
  complete("A.0");
  EXPECT_EQ(effects(), Lines{"REPORT L1/0 [0,1)"});
  from_broker(wire::Revoke{{id(1)}});
  EXPECT_EQ(effects(), Lines{"#2 over"});
  extend("A.1");
  extend("A");
  complete("A.1");
  EXPECT_EQ(effects(), (Lines{"#3 extended cancelled 1 nothing left",
                              "#4 extended cancelled 2 nothing left", "#5 over"}));
}

TEST_F(PullTest, a_revoked_lease_does_not_cancel_other_leases_of_the_batch) {
  connect();
  pull("A", 2);
  core.on_message({session, lease(1, {{0, 1}})}, now);
  core.on_message({session, lease(2, {{1, 2}})}, now);
  EXPECT_EQ(effects(), Lines{"#1 gets A[0,1)[1,2)"});
  from_broker(wire::Revoke{{id(1)}});
  extend("A");
  EXPECT_EQ(effects(), Lines{"#2 extended cancelled 1"});
  complete("A", 2);
  EXPECT_EQ(effects(), Lines{"REPORT L2/0 [1,2) last"});
  reported_all();
  EXPECT_EQ(effects(), Lines{"#3 counted 1 not 1"});
}

TEST_F(PullTest, reclaim_gives_back_what_nobody_has_pulled) {
  connect();
  pull("A", 2);
  grant(1, {{0, 5}});
  effects();
  from_broker(wire::Reclaim{id(1), 2});
  EXPECT_EQ(effects(), Lines{"RECLAIMED L1 [3,5)"});
  from_broker(wire::Reclaim{id(1), 9});
  EXPECT_EQ(effects(), Lines{"RECLAIMED L1 [2,3)"});
  from_broker(wire::Reclaim{id(1), 1});
  from_broker(wire::Reclaim{id(77), 1});
  EXPECT_EQ(effects(), (Lines{"RECLAIMED L1 nothing", "RECLAIMED L77 nothing"}));
  complete("A", 2);
  EXPECT_EQ(effects(), Lines{"REPORT L1/0 [0,2) last"});
}

TEST_F(PullTest, a_lease_that_reclaim_has_emptied_ends_with_an_empty_report) {
  connect();
  grant(1, {{0, 2}});
  from_broker(wire::Reclaim{id(1), 2});
  EXPECT_EQ(effects(), (Lines{"RECLAIMED L1 [0,2)", "REPORT L1/0 nothing last"}));
}

// ---- release

TEST_F(PullTest, released_tasks_go_to_another_client) {
  connect();
  pull("A", 2, "a");
  grant(1, {{0, 2}});
  effects();
  pull("B", 1, "b");
  release("A.0");
  EXPECT_EQ(effects(), (Lines{"#3 counted 1", "#2 gets B[0,1)"}));
  complete("A.0");
  EXPECT_EQ(effects(), Lines{"#4 over"});
}

TEST_F(PullTest, otherwise_they_go_back_to_the_broker_without_an_attempt) {
  connect();
  pull("A", 2, "a");
  grant(1, {{0, 2}});
  effects();
  complete("A.0");
  release("A.1");
  release("A.1");
  EXPECT_EQ(effects(), (Lines{"#3 counted 1", "#4 counted 1", "REPORT L1/0 [0,1) last"}));
}

TEST_F(PullTest, a_released_task_is_not_offered_to_that_client_while_others_can_take_it) {
  connect();
  pull("B", 1, "b");
  pull("A", 1, "a");
  grant(1, {{0, 2}});
  EXPECT_EQ(effects(), (Lines{"#1 gets B[0,1)", "#2 gets A[1,2)"}));
  release("A.0");
  effects();
  complete("B.0");
  EXPECT_EQ(effects(), Lines{"REPORT L1/0 [0,1) last"});
  reported_all();
  effects();
  pull("A2", 1, "a");
  grant(2, {{1, 2}});  // the same task again
  EXPECT_EQ(effects(), Lines{});
  pull("B2", 1, "b");
  EXPECT_EQ(effects(), Lines{"#6 gets B2[1,2)"});
  release("B2.0");
  EXPECT_EQ(effects(), (Lines{"#7 counted 1", "#5 gets A2[1,2)"}));  // nobody else is left
}

TEST_F(PullTest, a_task_that_those_who_wait_skip_goes_back_to_the_broker) {
  connect();
  pull("B", 1, "b");
  pull("A", 1, "a");
  grant(1, {{0, 2}});
  release("A.0");
  pull("A2", 1, "a");
  effects();
  complete("B.0");
  effects();
  reported_all();
  effects();
  grant(2, {{1, 2}});
  EXPECT_EQ(effects(), Lines{});
  EXPECT_EQ(after(1s), Lines{"REPORT L2/0 nothing last"});
}

// ---- sessions

TEST_F(PullTest, a_new_session_resumes_what_is_held) {
  connect();
  pull("A", 1, "a");
  pull("B", 1, "b");
  pull("C", 1, "c");
  core.on_message({session, lease(1, {{0, 1}})}, now);
  core.on_message({session, lease(2, {{1, 2}})}, now);
  core.on_message({session, lease(3, {{2, 3}, {5, 6}})}, now);
  EXPECT_EQ(effects(), (Lines{"#1 gets A[0,1)", "#2 gets B[1,2)", "#3 gets C[2,3)"}));
  complete("A.0");
  EXPECT_EQ(effects(), Lines{"REPORT L1/0 [0,1) last"});
  core.on_lost("gone", now);
  EXPECT_EQ(effects(), Lines{"hang up"});
  complete("C.0");  // while there is no session
  EXPECT_EQ(effects(), Lines{});
  EXPECT_EQ(after(100ms), Lines{"reopen"});
  core.on_connected(now);
  EXPECT_EQ(effects(), Lines{"HELLO L1[0,1)finished L2[1,2) L3[2,3)[5,6)"});
  welcome({id(2)});
  EXPECT_EQ(effects(), (Lines{"REPORT L1/0 [0,1) last", "REPORT L3/0 [2,3)"}));
  extend("B.0");
  EXPECT_EQ(effects(), Lines{"#6 extended cancelled 1 nothing left"});
  reported(1, 0);
  reported(3, 0);
  EXPECT_EQ(effects(), (Lines{"#4 counted 1", "#5 counted 1"}));
}

TEST_F(PullTest, a_dropped_lease_whose_final_report_was_sent_counts_as_reported) {
  connect();
  pull("A");
  grant(1, {{0, 1}});
  effects();
  complete("A.0");
  EXPECT_EQ(effects(), Lines{"REPORT L1/0 [0,1) last"});
  core.on_lost("gone", now);
  effects();
  EXPECT_EQ(after(100ms), Lines{"reopen"});
  core.on_connected(now);
  EXPECT_EQ(effects(), Lines{"HELLO L1[0,1)finished"});
  welcome({id(1)});
  EXPECT_EQ(effects(), Lines{"#2 counted 1"});
}

TEST_F(PullTest, a_client_does_not_wait_for_ever_for_an_acknowledgement) {
  connect();
  pull("A");
  grant(1, {{0, 1}});
  effects();
  complete("A.0");
  effects();
  core.on_lost("gone", now);
  effects();
  now += 10s;
  EXPECT_EQ(effects(), (Lines{"reopen", "#2 unavailable"}));
  complete("A.0");
  EXPECT_EQ(after(30s), Lines{"#3 unavailable"});
  core.on_connected(now);
  welcome();
  complete("A.0");  // it was not forgotten
  EXPECT_EQ(effects(), (Lines{"HELLO L1[0,1)finished", "REPORT L1/0 [0,1) last"}));
  reported(1, 0);
  EXPECT_EQ(effects(), Lines{"#4 counted 1"});
}

TEST_F(PullTest, a_pull_without_a_broker_is_told_why) {
  pull("A");
  EXPECT_EQ(effects(), Lines{"reopen"});
  core.on_lost("no broker at tcp://x:1", now);
  effects();
  now += 20s;
  const Lines lines = effects();
  EXPECT_EQ(lines.back(), "#1 unavailable");
  EXPECT_EQ(why, "no broker at tcp://x:1");
}

TEST_F(PullTest, a_key_that_may_not_work_is_denied) {
  pull("A");
  effects();
  core.on_connected(now);
  effects();
  from_broker(wire::Refused{ErrorCode::denied, "needs the role work"});
  EXPECT_EQ(effects(), (Lines{"#1 denied", "finished"}));
  EXPECT_TRUE(core.over());
}

TEST_F(PullTest, a_pull_without_work_ends_empty_when_its_time_is_over) {
  connect();
  pull("A");
  for (int i = 0; i < 20; ++i) {
    now += 1s;
    from_broker(wire::Beat{true, {}, {}});
  }
  EXPECT_EQ(effects(), Lines{"#1 gets nothing"});
}

// ---- presence

TEST_F(PullTest, slots_follow_what_is_pulled) {
  connect();
  pull("A", 1, "a");
  pull("B", 1, "b");
  now += 100ms;
  EXPECT_EQ(effects(true), Lines{"BEAT slots 2"});
  pull("C", 3, "c");
  EXPECT_EQ(effects(true), Lines{});  // the broker limits heartbeats
  now += 100ms;
  EXPECT_EQ(effects(true), Lines{"BEAT slots 5"});
  for (std::uint64_t i = 1; i <= 5; ++i) core.on_message({session, lease(i, {{i, i + 1}})}, now);
  effects(true);
  complete("C", 3);
  effects(true);
  now += 1s;
  EXPECT_EQ(effects(true), Lines{"BEAT slots 2"});
}

TEST_F(PullTest, work_that_comes_when_nobody_pulls_any_more_goes_back_at_once) {
  connect();
  now += 1s;
  effects();
  grant(1, {{0, 3}});
  EXPECT_EQ(effects(), (Lines{"DRAINING", "REPORT L1/0 nothing last"}));
  grant(2, {{3, 4}});  // it was on its way
  EXPECT_EQ(effects(), Lines{"REPORT L2/0 nothing last"});
  pull("A");
  EXPECT_EQ(effects(), Lines{});
  reported_all();
  EXPECT_EQ(effects(), Lines{"HELLO"});
  welcome();
  grant(3, {{0, 1}});
  EXPECT_EQ(effects(), Lines{"#1 gets A[0,1)"});
}

TEST_F(PullTest, the_worker_leaves_when_nobody_has_pulled_for_a_minute) {
  connect();
  Lines lines;
  for (int i = 0; i < 60; ++i) {
    from_broker(wire::Beat{true, {}, {}});
    lines = after(1s);
  }
  EXPECT_EQ(lines, (Lines{"BYE", "finished"}));
}

TEST_F(PullTest, it_does_not_leave_while_a_client_has_tasks) {
  connect();
  pull("A", 1, "a", {}, 3600s);
  grant(1, {{0, 1}});
  effects();
  for (int i = 0; i < 120; ++i) {
    from_broker(wire::Beat{true, {}, {}});
    EXPECT_EQ(after(1s), Lines{});
  }
}

TEST_F(PullTest, a_stopping_gateway_leaves_when_its_reports_are_acknowledged) {
  connect();
  pull("A", 2);
  grant(1, {{0, 3}});
  effects();
  complete("A.0");
  effects();
  pull("B", 1, "b");
  effects();
  pull("C", 1, "c");
  core.on_stop(now);
  EXPECT_EQ(effects(), (Lines{"#4 unavailable", "DRAINING"}));
  reported_all();
  EXPECT_EQ(effects(), (Lines{"#2 counted 1", "BYE", "finished"}));
}

TEST_F(PullTest, a_job_with_files_is_refused) {
  connect();
  pull("A");
  wire::Common common{job(1), {}, {std::string(64, 'a')}};
  from_broker(common);
  wire::Lease with_files = lease(1, {{0, 2}});
  with_files.common = true;
  from_broker(with_files);
  EXPECT_EQ(effects(), Lines{"REPORT L1/0 nothing bad_input[0,2) last"});
}

TEST_F(PullTest, a_large_result_gets_a_report_of_its_own) {
  connect();
  pull("A", 3);
  grant(1, {{0, 3}});
  effects();
  core.on_complete(next(), named("A"), std::vector<Bytes>(3, Bytes(400'000, 'x')), now);
  EXPECT_EQ(effects(), (Lines{"REPORT L1/0 [0,1)", "REPORT L1/1 [1,2)", "REPORT L1/2 [2,3) last"}));
  reported_all();
  EXPECT_EQ(effects(), Lines{"#2 counted 3"});
}

TEST_F(PullTest, inputs_of_different_sizes_reach_their_tasks) {
  connect();
  pull("A", 1);
  pull("B", 3);
  wire::Lease mixed = lease(1, {{2, 4}, {8, 10}});
  wire::BatchBuilder builder;
  for (const char* input : {"two", "3", "", "nineth"}) builder.add(input);
  mixed.batch = builder.take();
  from_broker(mixed);
  effects();
  EXPECT_EQ(grants[0].portions[0].batch.bytes.view(), "two");
  ASSERT_EQ(grants[1].portions.size(), 2u);
  EXPECT_EQ(grants[1].portions[0].batch.bytes.view(), "3");
  EXPECT_EQ(grants[1].portions[1].batch.bytes.view(), "nineth");
  EXPECT_EQ(grants[1].portions[1].batch.sizes.at(0), 0u);
}

}  // namespace
}  // namespace quern::gateway::pull
