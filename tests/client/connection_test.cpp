// The connection of a peer to the broker: acknowledgements and messages are returned one by one,
// and no message is left lying while the poller sleeps.
#include "link/connection.hpp"

#include <gtest/gtest.h>

namespace quern::link {
namespace {

using namespace std::chrono_literals;

class ConnectionTest : public ::testing::Test {
 protected:
  ConnectionTest()
      : router_(runtime::Socket::router(context_, {})),
        connection_(context_, router_.bind("tcp://127.0.0.1:*"), insecure()) {
    connection_.reopen();
    connection_.send({{}, wire::Bye{}});
    runtime::Poller poller;
    poller.add(router_);
    std::optional<runtime::Parts> parts;
    while (!(parts = router_.receive(wire::kPartsMax + 1))) poller.wait(-1ms);
    peer_ = std::string(parts->front().view);
  }

  static Access insecure() {
    Access access;
    access.insecure = true;
    return access;
  }

  void wait_for_message() {
    do {
      poller_.clear();
      connection_.poll_in(poller_);
      poller_.wait(-1ms);
      connection_.look();
      received_ = connection_.receive();
    } while (!received_);
  }

  zmq::context_t context_;
  runtime::Socket router_;
  Connection connection_;
  std::string peer_;
  runtime::Poller poller_;
  std::optional<std::variant<wire::Envelope, wire::DecodeError>> received_;
};

TEST_F(ConnectionTest, piggybacked_acknowledgements_come_first_and_the_rest_is_not_slept_on) {
  const wire::Piggybacked piggybacked{wire::Ack{Uuid{{1}}, 1, true}, wire::Ack{Uuid{{1}}, 2, true}};
  router_.send(peer_, parts_of(wire::encode({wire::SessionId{7}, wire::Beat{}}, piggybacked)));
  // An actor that reads one message per round waits without a limit before each of the three.
  std::vector<std::size_t> kinds;
  for (int i = 0; i < 3; ++i) {
    wait_for_message();
    const auto& envelope = std::get<wire::Envelope>(*received_);
    EXPECT_EQ(envelope.session, wire::SessionId{7});
    kinds.push_back(envelope.message.index());
  }
  EXPECT_EQ(kinds, (std::vector<std::size_t>{piggybacked[0].index(), piggybacked[1].index(),
                                             wire::Message(wire::Beat{}).index()}));
  EXPECT_FALSE(connection_.receive());
}

TEST_F(ConnectionTest, messages_of_the_old_socket_are_dropped_on_reopen) {
  router_.send(peer_, parts_of(wire::encode({wire::SessionId{7}, wire::Beat{}},
                                            wire::Piggybacked{wire::Ack{Uuid{{1}}, 1, true}})));
  wait_for_message();
  connection_.reopen();
  EXPECT_FALSE(connection_.receive());
}

TEST_F(ConnectionTest, the_rest_of_a_burst_is_not_slept_on_by_a_reader_that_sends_nothing) {
  constexpr std::uint64_t kBurst = 900;  // below the high-water mark of the router
  EXPECT_FALSE(connection_.receive());   // nothing more to read
  for (std::uint64_t n = 1; n <= kBurst; ++n)
    ASSERT_EQ(router_.send(peer_, parts_of(wire::encode({wire::SessionId{n}, wire::Beat{}}))),
              runtime::SendResult::sent);
  // One message per round, with an unlimited wait before each.
  for (std::uint64_t n = 1; n <= kBurst; ++n) {
    wait_for_message();
    EXPECT_EQ(std::get<wire::Envelope>(*received_).session, wire::SessionId{n});
  }
}

TEST_F(ConnectionTest, a_message_whose_signal_was_consumed_by_a_send_is_not_slept_on) {
  for (std::uint64_t round = 1; round <= 2000; ++round) {
    router_.send(peer_, parts_of(wire::encode({wire::SessionId{round}, wire::Beat{}})));
    for (int i = 0; i < 3; ++i) connection_.send({wire::SessionId{round}, wire::Beat{}});
    wait_for_message();
    EXPECT_EQ(std::get<wire::Envelope>(*received_).session, wire::SessionId{round});
    if (round % 2 == 0) connection_.receive();  // every second round reads until nothing is left
  }
}

}  // namespace
}  // namespace quern::link
