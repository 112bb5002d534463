// The session of a client: HELLO, heartbeats, silence, refusal, giving up.
#include "client/client_fixture.hpp"

namespace quern::client {
namespace {

TEST(ClientSession, a_session_starts_with_a_socket_and_hello) {
  CoreRig rig;
  EXPECT_EQ(rig.effects<Reopen>().size(), 1u);
  const wire::Hello hello = rig.sent<wire::Hello>();
  EXPECT_EQ(hello.role, wire::Role::client);
  EXPECT_EQ(hello.identity, uuid_of(200));
  rig.expect_nothing_else();
}

TEST(ClientSession, heartbeats_are_sent_every_five_seconds_and_every_second_with_a_job) {
  CoreRig rig;
  rig.effects<Reopen>();
  rig.welcome();
  rig.after(4900ms);
  rig.expect_nothing_else();
  rig.after(100ms);
  EXPECT_FALSE(rig.sent<wire::Beat>().reply);
  rig.receive(wire::Beat{true, {}, {}});
  rig.accepted_job(rig.items({"a"}, false));
  rig.after(1s);
  rig.sent<wire::Beat>();
  rig.expect_nothing_else();
}

TEST(ClientSession, a_heartbeat_that_wants_an_answer_is_answered) {
  CoreRig rig;
  rig.effects<Reopen>();
  rig.welcome();
  rig.receive(wire::Beat{});
  EXPECT_TRUE(rig.sent<wire::Beat>().reply);
}

TEST(ClientSession, silence_opens_a_new_socket) {
  CoreRig rig;
  rig.effects<Reopen>();
  rig.welcome();
  rig.accepted_job(rig.items({"a"}, false));
  for (int i = 0; i < 29; ++i) rig.after(100ms);
  EXPECT_TRUE(rig.effects<Reopen>().empty());
  rig.after(100ms);
  EXPECT_EQ(rig.effects<Reopen>().size(), 1u);
  EXPECT_EQ(rig.sent<wire::Hello>().jobs.size(), 1u);
}

TEST(ClientSession, a_pause_of_the_client_does_not_count_as_silence_of_the_broker) {
  CoreRig rig;
  rig.effects<Reopen>();
  rig.welcome();
  rig.accepted_job(rig.items({"a"}, false));
  rig.after(60s);  // SIGSTOP, SIGCONT
  EXPECT_TRUE(rig.effects<Reopen>().empty());
  rig.after(1s);
  rig.after(1s);
  rig.after(1s);
  EXPECT_EQ(rig.effects<Reopen>().size(), 1u);
}

TEST(ClientSession, the_first_job_after_a_long_idle_time_does_not_end_the_session) {
  CoreRig rig;
  rig.effects<Reopen>();
  rig.welcome();
  for (int i = 0; i < 45; ++i) rig.after(100ms);
  rig.submit(rig.items({"a"}, false));
  EXPECT_TRUE(rig.effects<Reopen>().empty());
}

TEST(ClientSession, hello_again_reconnects_at_once_only_after_a_lasting_session) {
  CoreRig rig;
  rig.effects<Reopen>();
  rig.welcome();
  rig.lose_session();
  rig.welcome();
  rig.receive(wire::HelloAgain{});  // the session was too short
  EXPECT_TRUE(rig.effects<Reopen>().empty());
  rig.after(100ms);
  EXPECT_EQ(rig.effects<Reopen>().size(), 1u);
  rig.receive(wire::HelloAgain{});
  rig.after(100ms);
  EXPECT_TRUE(rig.effects<Reopen>().empty());
  rig.after(100ms);
  EXPECT_EQ(rig.effects<Reopen>().size(), 1u);
}

TEST(ClientSession, an_unanswered_hello_is_repeated_on_a_new_socket) {
  CoreRig rig;
  rig.effects<Reopen>();
  rig.after(2900ms);
  EXPECT_TRUE(rig.effects<Reopen>().empty());
  rig.after(100ms);
  EXPECT_EQ(rig.effects<Reopen>().size(), 1u);
}

TEST(ClientSession, a_missing_broker_ends_pending_requests_after_the_first_wait) {
  CoreRig rig;
  std::uint64_t token = 0;
  rig.step([&] { token = rig.core->ask(std::monostate{}, rig.now); });
  rig.submit(rig.items({"a"}, false));
  for (int i = 0; i < 39; ++i) rig.after(100ms);
  EXPECT_TRUE(rig.effects<Ended>().empty());
  rig.after(100ms);
  const auto ended = rig.effects<Ended>();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].failure.code, ErrorCode::no_broker);
  EXPECT_EQ(
      ended[0].failure.text,
      "no broker answers at tcp://here:1: start one with `quern up`, or name one with --broker or "
      "QUERN_BROKER");
  const auto answers = rig.effects<Answered>();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].token, token);
  EXPECT_EQ(std::get<Failure>(answers[0].reply).code, ErrorCode::no_broker);
}

TEST(ClientSession, a_lost_broker_is_retried_for_thirty_seconds) {
  CoreRig rig;
  rig.effects<Reopen>();
  rig.welcome();
  rig.accepted_job(rig.items({"a"}, false));
  rig.lose_session();
  for (int i = 0; i < 299; ++i) rig.after(100ms);
  EXPECT_TRUE(rig.effects<Ended>().empty());
  rig.after(100ms);
  const auto ended = rig.effects<Ended>();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].stage, Ended::Stage::accepted);
  EXPECT_NE(ended[0].failure.text.find("did not return within 30 s"), std::string::npos);
}

TEST(ClientSession, a_refusal_ends_everything_with_the_reason_of_the_broker) {
  CoreRig rig;
  rig.submit(rig.items({"a"}, false));
  rig.effects<Reopen>();
  wire::Refused refused;
  refused.code = ErrorCode::version;
  refused.text = "this broker speaks version 2";
  rig.receive(refused);
  auto ended = rig.effects<Ended>();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].failure.code, ErrorCode::version);
  EXPECT_EQ(ended[0].failure.text,
            "the broker at tcp://here:1 refused this client: this broker speaks version 2");
  rig.submit(rig.items({"a"}, false));
  EXPECT_EQ(rig.effects<Ended>().size(), 1u) << "a recent refusal is reported at once";
  rig.now += 10s;
  rig.submit(rig.items({"a"}, false));
  EXPECT_EQ(rig.effects<Reopen>().size(), 1u) << "after a while the client tries again";
}

TEST(ClientSession, a_lost_connection_is_noticed_without_waiting_for_silence) {
  CoreRig rig;
  rig.effects<Reopen>();
  rig.welcome();
  rig.now += 2s;
  rig.step([&] { rig.core->on_link(Link::absent, rig.now); });
  EXPECT_EQ(rig.effects<Reopen>().size(), 1u);
}

TEST(ClientSession, a_hello_lost_with_its_connection_is_repeated_without_waiting) {
  CoreRig rig;
  rig.effects<Reopen>();
  for (const Link link : {Link::absent, Link::connected, Link::absent}) {
    rig.step([&] { rig.core->on_link(link, rig.now); });
    EXPECT_TRUE(rig.effects<Reopen>().empty());
  }
  rig.step([&] { rig.core->on_link(Link::connected, rig.now); });
  rig.after(100ms);
  EXPECT_EQ(rig.effects<Reopen>().size(), 1u);
}

TEST(ClientSession, a_query_is_repeated_in_a_new_session) {
  CoreRig rig;
  rig.effects<Reopen>();
  rig.welcome();
  std::uint64_t token = 0;
  rig.step([&] { token = rig.core->ask(wire::Query{}, rig.now); });
  EXPECT_EQ(rig.sent<wire::Query>().token, token);
  rig.lose_session();
  rig.welcome();
  EXPECT_EQ(rig.sent<wire::Query>().token, token);
  wire::Answer answer;
  answer.token = token;
  rig.receive(answer);
  rig.receive(answer);
  EXPECT_EQ(rig.effects<Answered>().size(), 1u);
}

TEST(ClientSession, a_question_whose_answer_cannot_be_read_is_not_asked_for_ever) {
  CoreRig rig;
  rig.effects<Reopen>();
  rig.welcome();
  rig.step([&] { rig.core->ask(wire::Query{}, rig.now); });
  std::vector<Answered> answers;
  for (int session = 0; session < 10 && answers.empty(); ++session) {
    rig.all_sent<wire::Query>();
    rig.now += 2s;
    rig.step([&] { rig.core->on_garbage(rig.now); });
    rig.effects<Reopen>();
    rig.welcome();
    answers = rig.effects<Answered>();
  }
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(std::get<Failure>(answers[0].reply).code, ErrorCode::session);
}

// The broker may have accepted it: sent again, it could be there twice.
TEST(ClientSession, a_batch_is_not_repeated_in_a_new_session) {
  CoreRig rig;
  rig.effects<Reopen>();
  rig.welcome();
  wire::Append append;
  append.job = uuid_of(1);
  append.batch = batch_of({"a"});
  rig.step([&] { rig.core->ask(append, rig.now); });
  EXPECT_NE(rig.sent<wire::Append>().token, 0u);
  rig.lose_session();
  // Asked without a session, so it was never sent.
  std::uint64_t later = 0;
  rig.step([&] { later = rig.core->ask(append, rig.now); });
  rig.welcome();
  const auto answers = rig.effects<Answered>();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(std::get<Failure>(answers[0].reply).code, ErrorCode::session);
  EXPECT_EQ(rig.sent<wire::Append>().token, later);
}

TEST(ClientSession, closing_sends_bye_and_ends_everything) {
  CoreRig rig;
  rig.effects<Reopen>();
  rig.welcome();
  rig.accepted_job(rig.items({"a"}, false));
  rig.step([&] { rig.core->stop(rig.now); });
  rig.sent<wire::Bye>();
  const auto ended = rig.effects<Ended>();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].failure.code, ErrorCode::shutdown);
  EXPECT_FALSE(rig.core->next_deadline());
}

TEST(ClientSession, messages_of_another_session_are_ignored) {
  CoreRig rig;
  rig.effects<Reopen>();
  rig.welcome();
  rig.accepted_job(rig.items({"a"}, false));
  rig.step([&] { rig.core->on_message({wire::SessionId{99}, rig.results(0, {0, 1})}, rig.now); });
  EXPECT_TRUE(rig.effects<Deliver>().empty());
}

}  // namespace
}  // namespace quern::client
