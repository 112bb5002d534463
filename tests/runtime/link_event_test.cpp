// What a watched socket reports of its connection.
#include <array>
#include <filesystem>

#include "runtime/runtime_fixture.hpp"

namespace quern::runtime {
namespace {

struct Keys {
  std::array<char, 41> open{}, secret{};
  Keys() { zmq_curve_keypair(open.data(), secret.data()); }
};

class LinkEventTest : public SocketsTest {
 protected:
  Socket watched_dealer(const SocketOptions& options = {}) {
    Socket dealer = Socket::dealer(context, options);
    dealer.watch(context);
    return dealer;
  }
};

TEST_F(LinkEventTest, a_socket_that_is_not_watched_reports_nothing) {
  Socket dealer = connected_dealer();
  introduce(dealer);
  EXPECT_EQ(dealer.link_event(), LinkEvent::none);
}

TEST_F(LinkEventTest, a_connection_is_reported_once) {
  Socket dealer = watched_dealer();
  dealer.connect(endpoint);
  EXPECT_EQ(await_event(dealer), LinkEvent::connected);
  EXPECT_EQ(dealer.link_event(), LinkEvent::none);
}

TEST_F(LinkEventTest, a_listener_that_does_not_exist_is_retried) {
  const auto path =
      std::filesystem::temp_directory_path() / ("quern-nobody-" + std::to_string(::getpid()));
  Socket dealer = watched_dealer();
  dealer.connect("ipc://" + path.string());
  EXPECT_EQ(await_event(dealer), LinkEvent::retrying);
}

TEST_F(LinkEventTest, a_reconnection_does_not_hide_that_the_old_connection_is_gone) {
  auto first = std::make_unique<Socket>(Socket::router(context, {}));
  const std::string address = first->bind("tcp://127.0.0.1:0");
  Socket dealer = watched_dealer();
  dealer.connect(address);
  ASSERT_EQ(await_event(dealer), LinkEvent::connected);
  first.reset();
  Socket second = Socket::router(context, {});
  ASSERT_TRUE(eventually([&] {
    try {
      second.bind(address);
      return true;
    } catch (const zmq::error_t&) {
      return false;  // libzmq closes the first listener in the background
    }
  }));
  // Nobody looks at the events until the new connection carries messages.
  ASSERT_TRUE(eventually([&] {
    dealer.send(parts_of({"a"}));
    return second.receive(kPartsMax).has_value();
  }));
  EXPECT_EQ(await_event(dealer), LinkEvent::disconnected);
  EXPECT_EQ(await_event(dealer, LinkEvent::retrying), LinkEvent::connected);
}

TEST_F(LinkEventTest, a_listener_that_speaks_another_mechanism_is_foreign) {
  const Keys server, client;
  SocketOptions encrypted;
  encrypted.curve_client =
      CurveClient{server.open.data(), client.open.data(), client.secret.data()};
  Socket dealer = watched_dealer(encrypted);
  dealer.connect(endpoint);  // which is not encrypted
  EXPECT_EQ(await_event(dealer, LinkEvent::retrying), LinkEvent::foreign);
}

TEST_F(LinkEventTest, an_encrypted_listener_without_an_authentication_handler_lets_nobody_in) {
  const Keys server, client;
  SocketOptions listening;
  listening.curve_server = CurveServer{server.secret.data(), "quern"};
  Socket guarded = Socket::router(context, listening);
  SocketOptions encrypted;
  encrypted.curve_client =
      CurveClient{server.open.data(), client.open.data(), client.secret.data()};
  Socket dealer = watched_dealer(encrypted);
  dealer.connect(guarded.bind("tcp://127.0.0.1:0"));
  dealer.send(parts_of({"let me in"}));
  EXPECT_NE(await_event(dealer, LinkEvent::retrying), LinkEvent::connected);
  EXPECT_FALSE(guarded.receive(kPartsMax));
}

TEST_F(LinkEventTest, a_key_of_the_wrong_length_is_refused_before_anything_is_sent) {
  SocketOptions wrong;
  wrong.curve_client = CurveClient{"too short", "too short", "too short"};
  EXPECT_THROW(Socket::dealer(context, wrong), zmq::error_t);
}

TEST_F(LinkEventTest, closing_watched_sockets_does_not_block_later_connections) {
  for (int i = 0; i < 50; ++i) {
    Socket dealer = watched_dealer();
    dealer.connect(endpoint);
    // The first half is closed during the handshake, the second half after it.
    if (i >= 25) {
      ASSERT_EQ(await_event(dealer), LinkEvent::connected);
    }
  }
  Socket last = connected_dealer();
  ASSERT_EQ(last.send(parts_of({"still here"})), SendResult::sent);
  EXPECT_EQ(await_message(router).back(), "still here");
}

}  // namespace
}  // namespace quern::runtime
