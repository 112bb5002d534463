// Rate limits of connections, and penalties of principals. Stories of peers that misbehave are in
// tests/broker/conduct_test.cpp.
#include "broker/rooms/sessions_room_fixture.hpp"

namespace quern::broker {
namespace {

using std::chrono::seconds;

class ConductRoomTest : public SessionsRoomTest {
 protected:
  static Config keyed() {
    Config config;
    config.open = false;
    config.audit = true;
    return config;
  }
  explicit ConductRoomTest(Config config = keyed()) : SessionsRoomTest(std::move(config)) {
    Principals principals;
    for (const char* name : {"alice", "bob"}) principals[name].name = name;
    access.set_principals(std::move(principals), false);
    context.effects.clear();
  }

  /// A connection of the user does something that no honest peer does until it is blocked.
  PeerId block_one(const std::string& user) {
    const PeerId peer{++last_peer};
    conduct.offend(peer, user, kOffences.burst + 1, "forged messages", now);
    return peer;
  }
  /// Blocks as many connections as it takes until the principal gets a penalty. Returns how long
  /// the penalty lasts; time passes until it is over.
  seconds next_penalty(const std::string& user) {
    const PeerId other{++last_peer};
    for (int i = 0; i < 1000 && !conduct.ignores(other, user, now); ++i) block_one(user);
    const Time begin = now;
    while (conduct.ignores(other, user, now)) now += 1s;
    return std::chrono::duration_cast<seconds>(now - begin);
  }
};

TEST_F(ConductRoomTest, each_kind_of_message_has_a_limit_per_connection) {
  struct Case {
    const char* what;
    Allowance limit;
    std::function<bool(Session&)> send;
  };
  const Case cases[] = {
      {"HELLO", kHellos, [&](Session& s) { return conduct.tolerates_hello(s.peer, s.user, now); }},
      {"BEAT", kBeats, [&](Session& s) { return conduct.tolerates(s, wire::Beat{}, now); }},
      {"QUERY", kQueries, [&](Session& s) { return conduct.tolerates(s, wire::Query{}, now); }},
      {"FETCH", kFetches, [&](Session& s) { return conduct.tolerates(s, wire::Fetch{}, now); }},
      {"of an ended session", kStaleOfOne,
       [&](Session& s) { return conduct.tolerates_stale(s.peer, s.user, now); }},
  };
  for (const Case& c : cases) {
    Session& session = connect("alice");
    Session& other = connect("alice");
    int tolerated = 0;
    while (tolerated < 100'000 && c.send(session)) ++tolerated;
    EXPECT_EQ(tolerated, c.limit.burst) << c.what;
    EXPECT_TRUE(c.send(other)) << c.what << ": other connections are not affected";
    now += 1s;
    EXPECT_TRUE(c.send(session)) << c.what << ": the limit is one per time";
  }
  Session& session = connect("alice");
  for (int i = 0; i < 100'000; ++i) ASSERT_TRUE(conduct.tolerates(session, wire::Append{}, now));
}

TEST_F(ConductRoomTest, a_reply_to_the_brokers_own_heartbeat_is_not_counted) {
  Session& session = connect("alice");
  session.reading.probed = now;
  wire::Beat reply;
  reply.reply = true;
  for (int i = 0; i < 2 * kBeats.burst; ++i) ASSERT_TRUE(conduct.tolerates(session, reply, now));
  session.reading.probed.reset();
  int tolerated = 0;
  while (tolerated < 100'000 && conduct.tolerates(session, reply, now)) ++tolerated;
  EXPECT_EQ(tolerated, kBeats.burst) << "unless the broker asked for none";
}

TEST_F(ConductRoomTest, offences_beyond_the_limit_block_one_connection) {
  Session& bad = connect("alice");
  const Session& good = connect("alice");
  for (int i = 0; i < kOffences.burst; ++i) conduct.offend(bad.peer, bad.user, 1, "noise", now);
  EXPECT_FALSE(conduct.has_ended_any());
  conduct.offend(bad.peer, bad.user, 1, "noise", now);
  EXPECT_TRUE(conduct.is_blocked(bad.peer));
  EXPECT_EQ(conduct.take_blocked(), std::vector<PeerId>{bad.peer});
  EXPECT_FALSE(conduct.is_blocked(good.peer));
  EXPECT_FALSE(conduct.ignores(good.peer, good.user, now));
  std::vector<Audit> lines;
  for (const Effect& effect : context.effects)
    if (const auto* line = std::get_if<Audit>(&effect)) lines.push_back(*line);
  ASSERT_EQ(lines.size(), 1u) << "blocking is recorded once";
  EXPECT_EQ(lines[0].action, "block");
  EXPECT_EQ(lines[0].principal, "alice");
}

TEST_F(ConductRoomTest, a_blocked_connection_is_ignored_when_its_session_has_ended) {
  const Session& session = connect("alice");
  const PeerId peer = session.peer;
  conduct.block(peer);
  EXPECT_FALSE(conduct.ignores(peer, "alice", now));
  sessions.close(session.id);
  EXPECT_TRUE(conduct.ignores(peer, "alice", now));
  EXPECT_EQ(context.counters.ignored, 1u);
}

TEST_F(ConductRoomTest, occasional_offences_have_no_consequence) {
  const Session& session = connect("alice");
  for (int i = 0; i < 1000; ++i) {
    conduct.offend(session.peer, session.user, kOffences.per_s, "noise", now);
    now += 1s;
  }
  EXPECT_FALSE(conduct.is_blocked(session.peer));
}

TEST_F(ConductRoomTest, a_principal_with_many_blocked_connections_gets_a_penalty) {
  const PeerId other{++last_peer};
  for (int i = 0; i < kBlockedOften.burst; ++i) block_one("alice");
  EXPECT_FALSE(conduct.ignores(other, "alice", now));
  block_one("alice");
  EXPECT_TRUE(conduct.ignores(other, "alice", now));
  EXPECT_FALSE(conduct.ignores(other, "bob", now));
}

TEST_F(ConductRoomTest, each_penalty_is_twice_as_long_as_the_last_up_to_a_minute) {
  std::vector<seconds> got;
  for (int i = 0; i < 8; ++i) got.push_back(next_penalty("alice"));
  EXPECT_EQ(got, (std::vector<seconds>{1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}));
  EXPECT_EQ(next_penalty("bob"), 1s);
  now += 8min;
  EXPECT_EQ(next_penalty("alice"), 60s);
  now += 11min;
  EXPECT_EQ(next_penalty("alice"), 1s) << "ten minutes after the last one began";
}

TEST_F(ConductRoomTest, during_a_penalty_some_hellos_are_answered_with_the_reason) {
  const PeerId other{++last_peer};
  for (int i = 0; i < 1000 && !conduct.ignores(other, "alice", now); ++i) block_one("alice");
  context.effects.clear();
  conduct.on_ignored(other, "alice", wire::Submit{}, now);
  EXPECT_TRUE(sent().empty());
  for (int i = 0; i < 100; ++i) conduct.on_ignored(other, "alice", wire::Hello{}, now);
  const auto messages = sent();
  ASSERT_EQ(messages.size(), static_cast<std::size_t>(kTold.burst));
  const auto& refused = std::get<wire::Refused>(messages[0].message);
  EXPECT_EQ(refused.code, ErrorCode::limit);
  EXPECT_NE(refused.text.find("forged messages"), std::string::npos) << refused.text;
  now += 1h;
  conduct.on_ignored(other, "alice", wire::Hello{}, now);
  EXPECT_TRUE(sent().empty()) << "the penalty is over";
}

TEST_F(ConductRoomTest, too_many_refused_submissions_are_an_offence) {
  const Session& session = connect("alice");
  for (int i = 0; i < kRefusals.burst; ++i) conduct.count_refusal(session, now);
  EXPECT_EQ(context.counters.offences, 0u);
  conduct.count_refusal(session, now);
  EXPECT_EQ(context.counters.offences, 1u);
}

TEST_F(ConductRoomTest, who_misbehaves_is_told_and_its_session_has_to_end) {
  Session& session = connect("alice");
  EXPECT_FALSE(conduct.has_ended_any());
  conduct.misbehaved(session, ErrorCode::malformed, "a task that it does not hold", now);
  EXPECT_TRUE(conduct.has_ended_any());
  EXPECT_EQ(conduct.take_ended(), std::vector<wire::SessionId>{session.id});
  EXPECT_FALSE(conduct.has_ended_any());
  const auto messages = sent();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_TRUE(std::get<wire::ErrorMessage>(messages[0].message).fatal);
}

class OpenConductRoomTest : public ConductRoomTest {
 protected:
  OpenConductRoomTest() : ConductRoomTest(Config{}) {}
};

TEST_F(OpenConductRoomTest, without_keys_only_connections_are_blocked) {
  PeerId blocked{};
  for (int i = 0; i < 10 * kBlockedOften.burst; ++i) blocked = block_one("anonymous");
  EXPECT_TRUE(conduct.ignores(blocked, "anonymous", now));
  EXPECT_FALSE(conduct.ignores(PeerId{++last_peer}, "anonymous", now));
}

}  // namespace
}  // namespace quern::broker
