// The session of a worker: without a broker, with one, and with one that goes away and comes back.
#include "worker/worker_fixture.hpp"

namespace quern::worker {
namespace {

using SessionTest = WorkerCoreTest;

TEST_F(SessionTest, hello_is_sent_only_once_connected) {
  EXPECT_EQ(tick(), Lines{"reopen"});
  EXPECT_EQ(tick(1h), Lines{});  // the socket reconnects by itself
  EXPECT_EQ(core.next_deadline(), std::nullopt);
  core.on_connected(now);
  EXPECT_EQ(effects(), Lines{"HELLO"});
  EXPECT_EQ(say(wire::Welcome{}), Lines{});
  EXPECT_TRUE(core.connected());
}

TEST_F(SessionTest, heartbeats_are_rare_when_idle_and_frequent_with_leases) {
  welcome();
  EXPECT_EQ(core.next_deadline(), now + 5s);
  EXPECT_EQ(tick(4999ms), Lines{});
  EXPECT_EQ(tick(1ms), Lines{"BEAT"});
  EXPECT_EQ(say(item_lease(1, {{0, 1}})), Lines{"start L1[0,1) on 0"});
  EXPECT_EQ(core.next_deadline(), now + 1s);
  EXPECT_EQ(tick(1s), Lines{"BEAT"});
}

TEST_F(SessionTest, a_heartbeat_is_answered_but_an_answer_is_not) {
  welcome();
  EXPECT_EQ(say(wire::Beat{}), Lines{"BEAT reply"});
  EXPECT_EQ(say(wire::Beat{.reply = true, .capacity = {}, .work = {}}), Lines{});
}

TEST_F(SessionTest, a_heartbeat_carries_capacity_and_work) {
  welcome();
  core.on_capacity(
      {.slots = 99, .cores = 4, .idle = 0.5, .load = 1, .memory_free = 10, .busy = 0, .stuck = 0});
  say(item_lease(1, {{0, 4}}));
  reports(kFirst, report(1, 0, {{0, 2}}, false));
  core.on_tick(now + 1s);
  Effects taken;
  core.take_effects(taken);
  const auto& heartbeat = std::get<wire::Beat>(std::get<Send>(taken.at(0)).envelope.message);
  ASSERT_TRUE(heartbeat.capacity);
  EXPECT_EQ(heartbeat.capacity->slots, 2u);
  EXPECT_EQ(heartbeat.capacity->cores, 4);
  EXPECT_EQ(heartbeat.capacity->busy, 1u);
  ASSERT_EQ(heartbeat.work.size(), 1u);
  EXPECT_EQ(heartbeat.work[0],
            (FunctionRate{.function = "echo", .rate = 2000, .tasks = 2, .busy_us = 1000}));
}

TEST_F(SessionTest, silence_of_the_broker_ends_the_session) {
  welcome();
  say(item_lease(1, {{0, 1}}));
  EXPECT_EQ(tick(1s), Lines{"BEAT"});
  EXPECT_EQ(tick(1s), Lines{"BEAT"});
  EXPECT_EQ(tick(1s), Lines{"hang up"});
  EXPECT_FALSE(core.connected());
  EXPECT_EQ(tick(100ms), Lines{"reopen"});
}

TEST_F(SessionTest, an_idle_worker_tolerates_longer_silence) {
  welcome();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(tick(5s), Lines{"BEAT"});
  EXPECT_EQ(tick(5s), Lines{"hang up"});
}

TEST_F(SessionTest, any_message_is_a_sign_of_life) {
  welcome();
  say(item_lease(1, {{0, 1}}));
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(tick(1s), Lines{"BEAT"});
    EXPECT_EQ(say(wire::Forget{}), Lines{});
  }
}

TEST_F(SessionTest, a_pause_of_the_worker_does_not_count_as_silence_of_the_broker) {
  welcome();
  say(item_lease(1, {{0, 1}}));
  EXPECT_EQ(tick(60s), Lines{"BEAT"});  // SIGSTOP, SIGCONT: no message could be received meanwhile
}

TEST_F(SessionTest, reconnects_back_off_to_two_seconds_and_reset_after_a_welcome) {
  for (const auto wait : {100ms, 200ms, 400ms, 800ms, 1600ms, 2000ms, 2000ms}) {
    ASSERT_EQ(tick(), Lines{"reopen"});
    core.on_lost("the broker does not shake hands", now);
    ASSERT_EQ(effects(), Lines{"hang up"});
    EXPECT_EQ(core.next_deadline(), now + wait);
    ASSERT_EQ(tick(wait - 1ms), Lines{});
    now += 1ms;
  }
  welcome();
  core.on_lost("the connection was closed", now);
  effects();
  EXPECT_EQ(core.next_deadline(), now + 100ms);
}

TEST_F(SessionTest, a_broker_that_does_not_answer_hello_is_abandoned) {
  tick();
  core.on_connected(now);
  effects();
  EXPECT_EQ(tick(4999ms), Lines{});
  EXPECT_EQ(tick(1ms), Lines{"hang up"});
}

TEST_F(SessionTest, the_identity_is_kept_across_sessions) {
  std::vector<Uuid> identities;
  for (int i = 0; i < 3; ++i) {
    tick(2s);
    core.on_connected(now);
    Effects taken;
    core.take_effects(taken);
    identities.push_back(
        std::get<wire::Hello>(std::get<Send>(taken.at(0)).envelope.message).identity);
    core.on_lost("closed", now);
    effects();
  }
  EXPECT_EQ(identities[0], identities[1]);
  EXPECT_EQ(identities[0], identities[2]);
  EXPECT_FALSE(identities[0].is_nil());
}

TEST_F(SessionTest, hello_again_opens_a_new_socket) {
  welcome();
  EXPECT_EQ(say(wire::HelloAgain{}, {}), Lines{"hang up"});
  EXPECT_EQ(tick(100ms), Lines{"reopen"});
}

TEST_F(SessionTest, an_unexpected_reconnection_ends_the_session) {
  welcome();
  core.on_connected(now);
  EXPECT_EQ(effects(), Lines{"hang up"});
}

TEST_F(SessionTest, messages_of_another_session_are_ignored) {
  welcome();
  EXPECT_EQ(say(item_lease(1, {{0, 1}}), wire::SessionId{40}), Lines{});
}

TEST_F(SessionTest, nothing_is_obeyed_before_welcome) {
  tick();
  core.on_connected(now);
  effects();
  EXPECT_EQ(say(item_lease(1, {{0, 1}})), Lines{});
  EXPECT_EQ(say(wire::Drain{}), Lines{});
}

struct Refusal {
  ErrorCode code;
  Lines effects;
};

TEST_F(SessionTest, permanent_refusals_end_the_worker) {
  const Refusal table[] = {
      {ErrorCode::version, {"finished 3"}}, {ErrorCode::role, {"finished 3"}},
      {ErrorCode::refused, {"finished 3"}}, {ErrorCode::limit, {"hang up"}},
      {ErrorCode::shutdown, {"hang up"}},   {ErrorCode::denied, {"finished 3"}}};
  for (const auto& row : table) {
    core = WorkerCore(small_config());
    tick();
    core.on_connected(now);
    effects();
    EXPECT_EQ(say(wire::Refused{.code = row.code, .text = "because"}, {}), row.effects)
        << to_string(row.code);
  }
}

TEST_F(SessionTest, a_fatal_error_ends_the_session_and_an_ordinary_one_does_not) {
  welcome();
  wire::ErrorMessage error;
  error.text = "odd";
  EXPECT_EQ(say(error), Lines{});
  EXPECT_EQ(notes(), Lines{"note: the broker reports an error: odd"});
  error.fatal = true;
  EXPECT_EQ(say(error), Lines{"hang up"});
}

TEST_F(SessionTest, a_goodbye_of_the_broker_does_not_end_the_worker) {
  welcome();
  say(item_lease(1, {{0, 1}}));
  EXPECT_EQ(say(wire::Bye{}), Lines{"hang up"});
  now += 100ms;
  welcome();
  EXPECT_EQ(hello(), Lines{"HELLO L1[0,1)"});
}

}  // namespace
}  // namespace quern::worker
