// How a worker leaves: a drain by an operator, a stop signal, a second one, and without a broker.
#include "worker/worker_fixture.hpp"

namespace quern::worker {
namespace {

class DrainTest : public WorkerCoreTest {
 protected:
  DrainTest() { welcome(); }
  Lines stop() {
    core.on_stop_requested(now);
    return effects();
  }
};

TEST_F(DrainTest, an_idle_worker_leaves_at_once) {
  EXPECT_EQ(stop(), (Lines{"DRAINING", "BYE", "finished 0"}));
}

TEST_F(DrainTest, draining_finishes_running_leases_hands_back_the_rest_and_says_goodbye) {
  say(item_lease(1, {{0, 9}}));
  say(item_lease(2, {{9, 10}}));
  say(item_lease(3, {{10, 11}}));
  EXPECT_EQ(say(wire::Drain{}),
            (Lines{"DRAINING", "REPORT L3/0 nothing last", "end L1 on 0", "end L2 on 1"}));
  EXPECT_EQ(say(item_lease(4, {{11, 12}})),
            Lines{"REPORT L4/0 nothing last"});  // the lease and DRAINING crossed on the wire
  reports(kFirst, report(1, 0, {{0, 3}}));
  returns(kFirst);
  reports(kSecond, report(2, 0, {{9, 10}}));
  returns(kSecond);
  acknowledges(1, 0);
  acknowledges(2, 0);
  acknowledges(3, 0);
  EXPECT_EQ(acknowledges(4, 0), (Lines{"BYE", "finished 0"}));
  EXPECT_EQ(core.next_deadline(), std::nullopt);
}

TEST_F(DrainTest, a_drain_by_an_operator_has_no_time_limit) {
  say(item_lease(1, {{0, 1}}));
  say(wire::Drain{});
  for (int s = 0; s < 100; ++s) {
    EXPECT_EQ(tick(1s), Lines{"BEAT"});
    say(wire::Beat{.reply = true, .capacity = {}, .work = {}});
  }
}

TEST_F(DrainTest, a_stop_has_a_time_limit) {
  say(item_lease(1, {{0, 1}}));
  stop();
  for (int s = 0; s < 29; ++s) {
    EXPECT_EQ(tick(1s), Lines{"BEAT"});
    say(wire::Beat{.reply = true, .capacity = {}, .work = {}});
  }
  EXPECT_EQ(tick(1s), (Lines{"BEAT", "BYE", "finished 0"}));
}

TEST_F(DrainTest, a_second_stop_ends_the_worker_at_once) {
  say(item_lease(1, {{0, 1}}));
  stop();
  EXPECT_EQ(stop(), (Lines{"BYE", "finished 0"}));
  EXPECT_EQ(stop(), Lines{});
  EXPECT_EQ(reports(kFirst, report(1, 0, {{0, 1}})), Lines{});
}

TEST_F(DrainTest, a_stop_after_a_drain_by_an_operator_is_a_first_stop) {
  say(item_lease(1, {{0, 1}}));
  say(wire::Drain{});
  stop();
  EXPECT_FALSE(core.over());
  EXPECT_EQ(stop(), (Lines{"BYE", "finished 0"}));
}

TEST_F(DrainTest, a_lost_session_is_resumed_to_deliver_reports) {
  say(item_lease(1, {{0, 1}}));
  stop();
  reports(kFirst, report(1, 0, {{0, 1}}));
  core.on_lost("closed", now);
  EXPECT_EQ(effects(), Lines{"hang up"});
  now += 100ms;
  EXPECT_EQ(welcome(), (Lines{"REPORT L1/0 [0,1) last", "DRAINING"}));
  EXPECT_EQ(hello(), Lines{"HELLO L1[0,1)finished draining"});
  EXPECT_EQ(acknowledges(1, 0), (Lines{"BYE", "finished 0"}));
}

TEST_F(DrainTest, without_a_broker_draining_ends_soon) {
  say(item_lease(1, {{0, 1}}));
  core.on_lost("closed", now);
  effects();
  stop();
  EXPECT_EQ(tick(100ms), Lines{"reopen"});
  EXPECT_EQ(tick(2899ms), Lines{});
  EXPECT_EQ(tick(1ms), Lines{"finished 0"});
}

// A proxy accepts the connection even without a broker behind it, and then closes it.
TEST_F(DrainTest, failing_connections_do_not_prolong_draining) {
  say(item_lease(1, {{0, 1}}));
  stop();
  core.on_lost("closed", now);
  effects();
  for (int i = 0; i < 29; ++i) {
    tick(100ms);
    core.on_connected(now);
    core.on_lost("closed", now);
    effects();
    EXPECT_FALSE(core.over());
  }
  EXPECT_EQ(tick(100ms), Lines{"finished 0"});
}

TEST_F(DrainTest, before_the_first_connection_it_leaves_at_once) {
  core = WorkerCore(small_config());
  tick();
  EXPECT_EQ(stop(), Lines{"finished 0"});
}

TEST_F(DrainTest, a_stuck_slot_does_not_delay_the_end) {
  say(item_lease(1, {{0, 1}}));
  say(wire::Revoke{{id(1)}});
  tick(100ms);
  EXPECT_EQ(core.capacity().stuck, 1u);
  EXPECT_EQ(stop(), (Lines{"DRAINING", "BYE", "finished 0"}));
}

}  // namespace
}  // namespace quern::worker
