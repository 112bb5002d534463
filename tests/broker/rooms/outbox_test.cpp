// Which messages wait for a commit, and which of those that waited are still sent.
#include "broker/rooms/sessions_room_fixture.hpp"

namespace quern::broker {
namespace {

class OutboxTest : public SessionsRoomTest {};

TEST_F(OutboxTest, a_message_that_reveals_nothing_is_sent_at_once) {
  const Session& session = connect();
  begin_commit();
  outbox.send(session, wire::Beat{});
  const auto messages = sent();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].peer, session.peer);
  EXPECT_EQ(messages[0].session, session.id);
}

TEST_F(OutboxTest, a_message_waits_for_the_commit_that_covers_it) {
  const Session& session = connect();
  const std::uint64_t first = begin_commit();
  outbox.send(session, wire::Revoke{}, first + 1);
  outbox.send(session, wire::Beat{}, first);
  EXPECT_TRUE(sent().empty());
  outbox.release(first);
  auto messages = sent();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<wire::Beat>(messages[0].message));
  outbox.release(begin_commit());
  messages = sent();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<wire::Revoke>(messages[0].message));
  outbox.send(session, wire::Beat{}, first);
  EXPECT_EQ(sent().size(), 1u) << "the commit is done";
}

TEST_F(OutboxTest, nothing_overtakes_the_welcome_of_a_session) {
  Session& session = connect();
  session.welcome_after = begin_commit();
  outbox.send(session, wire::Welcome{}, session.welcome_after);
  outbox.send(session, wire::Beat{});
  EXPECT_TRUE(sent().empty());
  outbox.release(session.welcome_after);
  const auto messages = sent();
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<wire::Welcome>(messages[0].message));
}

TEST_F(OutboxTest, a_message_that_waited_is_dropped_if_its_peer_is_gone) {
  struct Case {
    const char* what;
    void (*change)(Sessions&, Session&);
    std::size_t sent;
  };
  const Case cases[] = {
      {"nothing happened", [](Sessions&, Session&) {}, 1},
      {"the session has ended", [](Sessions& all, Session& one) { all.close(one.id); }, 0},
      {"its connection is gone", [](Sessions&, Session& one) { one.reachable = false; }, 0},
      {"the peer came back with another connection",
       [](Sessions&, Session& one) { one.peer = PeerId{99}; }, 0},
  };
  for (const Case& c : cases) {
    Session& session = connect();
    const std::uint64_t commit = begin_commit();
    outbox.send(session, wire::Beat{}, commit);
    c.change(sessions, session);
    outbox.release(commit);
    EXPECT_EQ(sent().size(), c.sent) << c.what;
  }
}

TEST_F(OutboxTest, a_peer_that_cannot_be_reached_is_sent_nothing) {
  Session& session = connect();
  session.reachable = false;
  outbox.send(session, wire::Beat{});
  outbox.send(session.id, wire::Beat{});
  outbox.send(wire::SessionId{99}, wire::Beat{});
  EXPECT_TRUE(sent().empty());
}

TEST_F(OutboxTest, a_complaint_names_the_request_and_does_not_end_the_session) {
  outbox.complain(connect(), ErrorCode::limit, "too much", uuid(7), 5);
  const auto messages = sent();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(std::get<wire::ErrorMessage>(messages[0].message),
            (wire::ErrorMessage{ErrorCode::limit, "too much", uuid(7), 5, false}));
}

}  // namespace
}  // namespace quern::broker
