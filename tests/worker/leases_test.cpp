// Leases at a worker: queue, slots, reports, and changes by the broker while they run.
#include "worker/worker_fixture.hpp"

namespace quern::worker {
namespace {

class LeasesTest : public WorkerCoreTest {
 protected:
  LeasesTest() { welcome(); }
};

TEST_F(LeasesTest, a_lease_is_run_reported_and_acknowledged) {
  EXPECT_EQ(say(item_lease(1, {{0, 4}})), Lines{"start L1[0,4) on 0"});
  EXPECT_EQ(reports(kFirst, report(1, 0, {{0, 2}}, false)), Lines{"REPORT L1/0 [0,2)"});
  EXPECT_EQ(reports(kFirst, report(1, 1, {{2, 4}})), Lines{"REPORT L1/1 [2,4) last"});
  EXPECT_EQ(returns(kFirst), Lines{});
  EXPECT_EQ(core.outbox().size(), 2u);
  acknowledges(1, 0);
  EXPECT_EQ(core.book().size(), 1u);
  acknowledges(1, 1);
  EXPECT_TRUE(core.book().empty());
  EXPECT_TRUE(core.outbox().empty());
}

TEST_F(LeasesTest, leases_run_in_the_order_of_their_arrival) {
  EXPECT_EQ(say(item_lease(1, {{0, 1}})), Lines{"start L1[0,1) on 0"});
  EXPECT_EQ(say(item_lease(2, {{1, 2}})), Lines{"start L2[1,2) on 1"});
  EXPECT_EQ(say(item_lease(3, {{2, 3}})), Lines{});
  EXPECT_EQ(say(item_lease(4, {{3, 4}})), Lines{});
  reports(kSecond, report(2, 0, {{1, 2}}));
  EXPECT_EQ(returns(kSecond), Lines{"start L3[2,3) on 1"});
  reports(kFirst, report(1, 0, {{0, 1}}));
  EXPECT_EQ(returns(kFirst), Lines{"start L4[3,4) on 0"});
}

TEST_F(LeasesTest, merges_run_first) {
  say(item_lease(1, {{0, 1}}));
  say(item_lease(2, {{1, 2}}));
  say(item_lease(3, {{2, 3}}));
  say(merge_lease(4));
  say(merge_lease(5));
  reports(kFirst, report(1, 0, {{0, 1}}));
  EXPECT_EQ(returns(kFirst), Lines{"start L4[0,2) on 0"});
  reports(kSecond, report(2, 0, {{1, 2}}));
  EXPECT_EQ(returns(kSecond), Lines{"start L5[0,2) on 1"});
}

TEST_F(LeasesTest, a_repeated_lease_runs_once) {
  say(item_lease(1, {{0, 1}}));
  EXPECT_EQ(say(item_lease(1, {{0, 1}})), Lines{});
}

TEST_F(LeasesTest, leases_pause_while_the_report_window_is_exceeded) {
  core.on_lost("closed", now);
  effects();
  now += 100ms;
  wire::Welcome narrow;
  narrow.report_window = 100;
  welcome(narrow);
  say(item_lease(1, {{0, 64}}));
  reports(kFirst, report(1, 0, {{0, 64}}));  // 64 results of 6 bytes
  returns(kFirst);
  EXPECT_EQ(say(item_lease(2, {{64, 65}})), Lines{});
  EXPECT_EQ(acknowledges(1, 0), Lines{"start L2[64,65) on 0"});
}

// ---- common input

TEST_F(LeasesTest, a_run_gets_its_common_input) {
  wire::Lease lease = item_lease(1, {{0, 1}});
  lease.common = true;
  say(wire::Common{lease.job, wire::Buffer::copy("model")});
  core.on_message({kSession, lease}, now);
  Effects taken;
  core.take_effects(taken);
  EXPECT_EQ(std::get<StartRun>(taken.at(0)).common.bytes.view(), "model");
}

TEST_F(LeasesTest, a_lease_without_its_common_input_fails) {
  wire::Lease lease = item_lease(1, {{0, 1}, {5, 9}});
  lease.common = true;
  EXPECT_EQ(say(lease), Lines{"REPORT L1/0 nothing error[0,1) error[5,9) last"});
}

TEST_F(LeasesTest, forget_releases_the_common_input) {
  wire::Lease lease = item_lease(1, {{0, 1}});
  lease.common = true;
  say(wire::Common{lease.job, wire::Buffer::copy("model")});
  say(wire::Forget{{lease.job}});
  EXPECT_EQ(say(lease), Lines{"REPORT L1/0 nothing error[0,1) last"});
}

// ---- reclaim

TEST_F(LeasesTest, a_queued_lease_is_cut_from_its_end) {
  say(item_lease(1, {{0, 1}}));
  say(item_lease(2, {{1, 2}}));
  say(item_lease(3, {{10, 14}, {20, 22}}));
  EXPECT_EQ(say(wire::Reclaim{id(3), 3}), Lines{"RECLAIMED L3 [13,14)[20,22)"});
  reports(kFirst, report(1, 0, {{0, 1}}));
  core.on_slot_free(kFirst, now);
  Effects taken;
  core.take_effects(taken);
  const wire::Lease& left = std::get<StartRun>(taken.at(0)).lease;
  EXPECT_EQ(text_of(left.tasks), "[10,13)");
  EXPECT_EQ(left.batch.count(), 3u);
  EXPECT_EQ(left.batch.bytes.view(), "item 10item 11item 12");
}

TEST_F(LeasesTest, a_fully_reclaimed_lease_ends_with_an_empty_report) {
  say(item_lease(1, {{0, 1}}));
  say(item_lease(2, {{1, 2}}));
  say(item_lease(3, {{2, 4}}));
  EXPECT_EQ(say(wire::Reclaim{id(3), 9}),
            (Lines{"RECLAIMED L3 [2,4)", "REPORT L3/0 nothing last"}));
  acknowledges(3, 0);
  EXPECT_EQ(core.book().size(), 2u);
}

TEST_F(LeasesTest, a_running_lease_is_cut_by_its_slot) {
  say(item_lease(1, {{0, 10}}));
  EXPECT_EQ(say(wire::Reclaim{id(1), 4}), Lines{"cut 4 of L1 on 0"});
  core.on_cut(kFirst, id(1), {{6, 10}}, now);
  EXPECT_EQ(effects(), Lines{"RECLAIMED L1 [6,10)"});
  EXPECT_EQ(reports(kFirst, report(1, 0, {{0, 6}})), Lines{"REPORT L1/0 [0,6) last"});
}

TEST_F(LeasesTest, reclaiming_an_unknown_lease_returns_no_tasks) {
  EXPECT_EQ(say(wire::Reclaim{id(8), 1}), Lines{"RECLAIMED L8 nothing"});
  say(item_lease(1, {{0, 1}}));
  reports(kFirst, report(1, 0, {{0, 1}}));
  EXPECT_EQ(say(wire::Reclaim{id(1), 1}), Lines{"RECLAIMED L1 nothing"});
}

TEST_F(LeasesTest, merges_are_not_cut) {
  say(item_lease(1, {{0, 1}}));
  say(item_lease(2, {{1, 2}}));
  say(merge_lease(3));
  EXPECT_EQ(say(wire::Reclaim{id(3), 1}), Lines{"RECLAIMED L3 nothing"});
}

// ---- revoke, timeouts

TEST_F(LeasesTest, revoke_stops_a_lease_without_a_report) {
  say(item_lease(1, {{0, 1}}));
  say(item_lease(2, {{1, 2}}));
  say(item_lease(3, {{2, 3}}));
  reports(kFirst, report(1, 0, {{0, 1}}));
  EXPECT_EQ(say(wire::Revoke{{id(1), id(2), id(3), id(9)}}), Lines{"cancel L2 on 1"});
  EXPECT_TRUE(core.book().empty());
  EXPECT_TRUE(core.outbox().empty());
  EXPECT_EQ(reports(kSecond, report(2, 0, {{1, 2}})),
            Lines{});  // it was sent before the revoke arrived
}

TEST_F(LeasesTest, a_fenced_slot_is_stuck_until_its_function_returns) {
  say(item_lease(1, {{0, 1}}));
  say(wire::Revoke{{id(1)}});
  EXPECT_EQ(core.capacity().stuck, 0u) << "most tasks are returned at once";
  tick(100ms);
  EXPECT_EQ(core.capacity().stuck, 1u);
  EXPECT_EQ(core.capacity().busy, 0u);
  EXPECT_EQ(say(item_lease(2, {{1, 2}})), Lines{"start L2[1,2) on 1"});
  EXPECT_EQ(say(item_lease(3, {{2, 3}})), Lines{});
  EXPECT_EQ(returns(kFirst), Lines{"start L3[2,3) on 0"});
  EXPECT_EQ(core.capacity().stuck, 0u);
}

TEST_F(LeasesTest, leases_behind_stuck_slots_are_handed_back) {
  say(item_lease(1, {{0, 1}}));
  say(item_lease(2, {{1, 2}}));
  say(item_lease(3, {{2, 3}}));
  say(wire::Revoke{{id(1)}});
  say(wire::Revoke{{id(2)}});
  EXPECT_EQ(tick(100ms), (Lines{"BEAT", "REPORT L3/0 nothing last"}));
  EXPECT_EQ(core.capacity().stuck, 2u);
}

TEST_F(LeasesTest, a_timed_out_lease_is_reported_and_its_slot_is_not_used) {
  say(item_lease(1, {{0, 3}}));
  wire::Report given_up = report(1, 0, {{0, 1}});
  given_up.errors = {{1, 1, ErrorCode::timeout, "ran longer than 500 ms"}};
  EXPECT_EQ(reports(kFirst, given_up), (Lines{"BEAT", "REPORT L1/0 [0,1) error[1,2) last"}))
      << "the slot must be stuck before the report, or it would look free";
  EXPECT_EQ(core.capacity().stuck, 1u);
  EXPECT_EQ(say(item_lease(2, {{2, 3}})), Lines{"start L2[2,3) on 1"});
}

// ---- a new session

TEST_F(LeasesTest, a_new_session_lists_held_leases_and_resends_the_outbox) {
  say(item_lease(1, {{0, 4}}));
  say(item_lease(2, {{4, 8}}));
  say(item_lease(3, {{8, 12}}));
  reports(kFirst, report(1, 0, {{0, 4}}));
  reports(kSecond, report(2, 0, {{4, 6}}, false));
  acknowledges(2, 0);
  core.on_lost("closed", now);
  EXPECT_EQ(effects(), Lines{"hang up"});
  // Work continues without a session.
  EXPECT_EQ(returns(kFirst), Lines{"start L3[8,12) on 0"});
  EXPECT_EQ(reports(kSecond, report(2, 1, {{6, 8}})), Lines{});
  now += 100ms;
  EXPECT_EQ(welcome(), (Lines{"REPORT L1/0 [0,4) last", "REPORT L2/1 [6,8) last"}));
  EXPECT_EQ(hello(), Lines{"HELLO L1[0,4)finished L2[6,8)finished L3[8,12)"});
}

TEST_F(LeasesTest, a_new_session_forgets_leases_that_the_broker_dropped) {
  say(item_lease(1, {{0, 4}}));
  say(item_lease(2, {{4, 8}}));
  say(item_lease(3, {{8, 12}}));
  reports(kFirst, report(1, 0, {{0, 4}}));
  core.on_lost("closed", now);
  effects();
  now += 100ms;
  wire::Welcome strict;
  strict.dropped = {id(1), id(2), id(3)};
  EXPECT_EQ(welcome(strict), Lines{"cancel L2 on 1"});
  EXPECT_TRUE(core.book().empty());
  EXPECT_TRUE(core.outbox().empty());
}

TEST_F(LeasesTest, tasks_cut_without_a_session_are_no_longer_held) {
  say(item_lease(1, {{0, 10}}));
  say(wire::Reclaim{id(1), 4});
  core.on_lost("closed", now);
  effects();
  core.on_cut(kFirst, id(1), {{6, 10}}, now);
  EXPECT_EQ(effects(), Lines{});
  now += 100ms;
  welcome();
  EXPECT_EQ(hello(), Lines{"HELLO L1[0,6)"});
}

TEST_F(LeasesTest, leases_that_do_not_fit_into_hello_are_dropped) {
  Config config = small_config();
  config.held_bytes_max = 250;  // two leases of one interval
  core = WorkerCore(config);
  welcome();
  for (std::uint64_t n = 1; n <= 4; ++n) say(item_lease(n, {{n, n + 1}}));
  core.on_lost("closed", now);
  effects();
  now += 100ms;
  welcome();
  EXPECT_EQ(hello(), Lines{"HELLO L1[1,2) L2[2,3)"});
  EXPECT_EQ(core.queued(), 0u);
}

}  // namespace
}  // namespace quern::worker
