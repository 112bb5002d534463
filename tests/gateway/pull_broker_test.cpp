// The side of the broker: what it takes back, sessions, when the worker is there.
#include "gateway/pull_fixture.hpp"

namespace quern::gateway::pull {
namespace {

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

TEST_F(PullTest, what_was_acknowledged_counts_even_if_the_rest_is_revoked) {
  connect();
  pull("A", 2);
  grant(1, {{0, 2}});
  effects();
  complete("A.0");
  effects();
  reported_all();
  EXPECT_EQ(effects(), Lines{"#2 counted 1"});
  from_broker(wire::Revoke{{id(1)}});
  complete("A.0");
  complete("A.1");
  EXPECT_EQ(effects(), (Lines{"#3 counted 1", "#4 over"}));
}

TEST_F(PullTest, a_new_session_does_not_name_what_was_given_back) {
  connect();
  pull("A", 1);
  grant(1, {{0, 4}});
  effects();
  from_broker(wire::Reclaim{id(1), 2});
  core.on_lost("gone", now);
  effects();
  after(100ms);
  core.on_connected(now);
  EXPECT_EQ(effects(), Lines{"HELLO L1[0,2)"});
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

// The broker may have the report, or it may have dropped the lease because this worker was silent.
TEST_F(PullTest, nothing_of_a_dropped_lease_is_said_to_count) {
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
  EXPECT_EQ(effects(), Lines{"#2 over"});
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

TEST_F(PullTest, a_short_pull_waits_for_a_session_that_is_being_opened) {
  short_pull("A");
  EXPECT_EQ(effects(), Lines{"reopen"});
  EXPECT_EQ(after(2s), Lines{});
  core.on_connected(now);
  welcome();
  EXPECT_EQ(effects(), Lines{"HELLO"});
  EXPECT_EQ(after(250ms), Lines{"#1 gets nothing"});
}

TEST_F(PullTest, short_pulls_do_not_wait_again_for_a_broker_that_did_not_answer) {
  short_pull("A");
  EXPECT_EQ(effects(), Lines{"reopen"});
  EXPECT_EQ(after(250ms), Lines{});
  EXPECT_EQ(after(5s), Lines{"#1 unavailable"});
  short_pull("B");
  EXPECT_EQ(after(250ms), Lines{"#2 unavailable"});
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
