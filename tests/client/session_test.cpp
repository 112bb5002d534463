// The session: HELLO, beats, silence, refusal, giving up.
#include "core_rig.hpp"

namespace quern::client {
namespace {

TEST(ClientSession, OpensASocketAndSaysHello) {
  CoreRig rig;
  EXPECT_EQ(rig.effects<Reopen>().size(), 1u);
  const wire::Hello hello = rig.sent<wire::Hello>();
  EXPECT_EQ(hello.role, wire::Role::client);
  EXPECT_EQ(hello.identity, uuid_of(200));
  rig.expect_nothing_else();
}

TEST(ClientSession, BeatsEveryFiveSecondsWhenIdleAndEverySecondWithAJob) {
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

TEST(ClientSession, AnswersABeatThatWantsAnAnswer) {
  CoreRig rig;
  rig.effects<Reopen>();
  rig.welcome();
  rig.receive(wire::Beat{});
  EXPECT_TRUE(rig.sent<wire::Beat>().reply);
}

TEST(ClientSession, SilenceOpensANewSocket) {
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

TEST(ClientSession, OurOwnStopIsNoSilenceOfTheBroker) {
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

TEST(ClientSession, TheFirstJobAfterALongIdleTimeDoesNotMakeTheBrokerSilent) {
  CoreRig rig;
  rig.effects<Reopen>();
  rig.welcome();
  for (int i = 0; i < 45; ++i) rig.after(100ms);
  rig.submit(rig.items({"a"}, false));
  EXPECT_TRUE(rig.effects<Reopen>().empty());
}

TEST(ClientSession, HelloAgainIsAnsweredAtOnceOnlyAfterAGoodSession) {
  CoreRig rig;
  rig.effects<Reopen>();
  rig.welcome();
  rig.lose_session();
  rig.welcome();
  rig.receive(wire::HelloAgain{});  // a session of no time
  EXPECT_TRUE(rig.effects<Reopen>().empty());
  rig.after(100ms);
  EXPECT_EQ(rig.effects<Reopen>().size(), 1u);
  rig.receive(wire::HelloAgain{});
  rig.after(100ms);
  EXPECT_TRUE(rig.effects<Reopen>().empty());
  rig.after(100ms);
  EXPECT_EQ(rig.effects<Reopen>().size(), 1u);
}

TEST(ClientSession, AHelloWithoutAnswerIsSaidAgainOnANewSocket) {
  CoreRig rig;
  rig.effects<Reopen>();
  rig.after(2900ms);
  EXPECT_TRUE(rig.effects<Reopen>().empty());
  rig.after(100ms);
  EXPECT_EQ(rig.effects<Reopen>().size(), 1u);
}

TEST(ClientSession, NoBrokerEndsWhatWaitsAfterTheFirstWait) {
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

TEST(ClientSession, ALostBrokerIsLookedForHalfAMinute) {
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

TEST(ClientSession, ARefusalEndsEverythingWithTheBrokersReason) {
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
  EXPECT_EQ(rig.effects<Ended>().size(), 1u) << "at once, while the refusal is fresh";
  rig.now += 10s;
  rig.submit(rig.items({"a"}, false));
  EXPECT_EQ(rig.effects<Reopen>().size(), 1u) << "later it is worth another try";
}

TEST(ClientSession, ALostConnectionIsNoticedWithoutWaitingForSilence) {
  CoreRig rig;
  rig.effects<Reopen>();
  rig.welcome();
  rig.now += 2s;
  rig.step([&] { rig.core->on_link(Link::absent, rig.now); });
  EXPECT_EQ(rig.effects<Reopen>().size(), 1u);
}

TEST(ClientSession, AHelloLostWithItsConnectionIsSaidAgainWithoutWaiting) {
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

TEST(ClientSession, AQuestionIsAskedAgainInANewSession) {
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

TEST(ClientSession, ClosingSaysByeAndEndsEverything) {
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

TEST(ClientSession, MessagesOfAnotherSessionAreNotTaken) {
  CoreRig rig;
  rig.effects<Reopen>();
  rig.welcome();
  rig.accepted_job(rig.items({"a"}, false));
  rig.step([&] { rig.core->on_message({wire::SessionId{99}, rig.results(0, {0, 1})}, rig.now); });
  EXPECT_TRUE(rig.effects<Deliver>().empty());
}

}  // namespace
}  // namespace quern::client
