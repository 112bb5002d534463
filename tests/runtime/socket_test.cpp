// Messages between a ROUTER and its DEALERs: parts, sizes, queues that are full, peers that vanish.
#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <stdexcept>

#include "runtime/runtime_fixture.hpp"

namespace quern::runtime {
namespace {

using Texts = std::vector<std::string>;

TEST_F(SocketsTest, a_multipart_message_arrives_whole_and_in_order) {
  Socket dealer = connected_dealer();
  ASSERT_EQ(dealer.send(parts_of({"head", "", "body", std::string("\0\xff", 2)})),
            SendResult::sent);
  Texts message = await_message(router);
  ASSERT_EQ(message.size(), 5u);
  EXPECT_FALSE(message.front().empty()) << "a ROUTER puts the routing id first";
  message.erase(message.begin());
  EXPECT_EQ(message, (Texts{"head", "", "body", std::string("\0\xff", 2)}));
}

TEST_F(SocketsTest, an_answer_reaches_the_dealer_that_asked) {
  Socket one = connected_dealer(), two = connected_dealer();
  const std::string id_of_one = introduce(one), id_of_two = introduce(two);
  EXPECT_NE(id_of_one, id_of_two);
  ASSERT_EQ(router.send(id_of_two, parts_of({"for two"})), SendResult::sent);
  ASSERT_EQ(router.send(id_of_one, parts_of({"for one"})), SendResult::sent);
  EXPECT_EQ(await_message(one), Texts{"for one"});
  EXPECT_EQ(await_message(two), Texts{"for two"});
}

TEST_F(SocketsTest, receive_returns_nothing_when_nothing_is_there) {
  Socket dealer = connected_dealer();
  EXPECT_FALSE(dealer.receive(kPartsMax));
  EXPECT_FALSE(router.receive(kPartsMax));
}

TEST_F(SocketsTest, parts_around_the_sharing_limit_arrive_unchanged) {
  Socket dealer = connected_dealer();
  for (const std::size_t bytes :
       {std::size_t{0}, std::size_t{1}, kShareFrom - 1, kShareFrom, kShareFrom + 1}) {
    const std::string text(bytes, 'x');
    ASSERT_EQ(dealer.send(parts_of({text, "end"})), SendResult::sent);
    const Texts message = await_message(router);
    ASSERT_EQ(message.size(), 3u) << bytes;
    EXPECT_EQ(message[1], text) << bytes;
    EXPECT_EQ(message[2], "end") << bytes;
  }
}

TEST_F(SocketsTest, a_message_of_many_megabytes_arrives_unchanged) {
  Socket dealer = connected_dealer();
  std::string text(32u << 20, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 31 >> 8);
  ASSERT_EQ(dealer.send(parts_of({text})), SendResult::sent);
  const Texts message = await_message(router);
  ASSERT_EQ(message.size(), 2u);
  EXPECT_TRUE(message[1] == text) << "the bytes differ";
}

TEST_F(SocketsTest, the_owner_of_a_large_part_is_kept_until_the_part_was_sent) {
  Socket dealer = connected_dealer();
  Parts parts = parts_of({std::string(kShareFrom, 'x')});
  const std::weak_ptr<const void> owner = parts.front().owner;
  ASSERT_EQ(dealer.send(parts), SendResult::sent);
  parts.clear();
  EXPECT_EQ(await_message(router).back(), std::string(kShareFrom, 'x'));
  EXPECT_TRUE(eventually([&] { return owner.expired(); })) << "the part is never released";
}

TEST_F(SocketsTest, a_small_part_is_copied_and_its_owner_is_free_at_once) {
  Socket dealer = connected_dealer();
  const Parts parts = parts_of({"small"});
  ASSERT_EQ(dealer.send(parts), SendResult::sent);
  EXPECT_EQ(parts.front().owner.use_count(), 1);
}

TEST_F(SocketsTest, a_part_without_an_owner_is_copied_whatever_its_size) {
  Socket dealer = connected_dealer();
  std::string text(2 * kShareFrom, 'x');
  ASSERT_EQ(dealer.send({Part{nullptr, text}}), SendResult::sent);
  text.assign(text.size(), 'y');
  EXPECT_EQ(await_message(router).back(), std::string(2 * kShareFrom, 'x'));
}

TEST_F(SocketsTest, a_received_part_outlives_its_socket) {
  Parts kept;
  {
    Socket dealer = connected_dealer();
    const std::string id = introduce(dealer);
    ASSERT_EQ(router.send(id, parts_of({"small", std::string(kShareFrom, 'l')})), SendResult::sent);
    ASSERT_TRUE(eventually([&] {
      if (auto parts = dealer.receive(kPartsMax)) kept = std::move(*parts);
      return !kept.empty();
    }));
  }
  EXPECT_EQ(texts_of(kept), (Texts{"small", std::string(kShareFrom, 'l')}));
}

TEST_F(SocketsTest, a_message_with_too_many_parts_is_cut_to_one_more_than_allowed) {
  Socket dealer = connected_dealer();
  ASSERT_EQ(dealer.send(parts_of(Texts(1000, "x"))), SendResult::sent);
  ASSERT_EQ(dealer.send(parts_of({"next"})), SendResult::sent);
  EXPECT_EQ(await_message(router, 3).size(), 4u);
  EXPECT_EQ(await_message(router, 3).back(), "next") << "the rest of the long message was skipped";
}

TEST_F(SocketsTest, a_part_over_the_limit_ends_the_connection_of_its_sender) {
  SocketOptions small;
  small.part_bytes_max = 1000;
  Socket strict = Socket::router(context, small);
  Socket dealer = Socket::dealer(context, {});
  dealer.watch(context);
  dealer.connect(strict.bind("tcp://127.0.0.1:0"));
  ASSERT_EQ(await_event(dealer), LinkEvent::connected);
  ASSERT_EQ(dealer.send(parts_of({std::string(1000, 'x')})), SendResult::sent);
  EXPECT_EQ(await_message(strict).back().size(), 1000u) << "exactly the limit is allowed";
  ASSERT_EQ(dealer.send(parts_of({std::string(1001, 'x')})), SendResult::sent);
  EXPECT_EQ(await_event(dealer), LinkEvent::disconnected);
  EXPECT_FALSE(strict.receive(kPartsMax));
}

TEST_F(SocketsTest, messages_of_many_peers_all_arrive_in_the_order_of_each) {
  constexpr std::size_t kPeers = 5, kEach = 5000;
  SocketOptions deep;
  deep.high_water_mark = 0;  // no limit
  std::vector<Socket> dealers;
  for (std::size_t i = 0; i < kPeers; ++i) dealers.push_back(connected_dealer(deep));
  for (std::size_t n = 0; n < kEach; ++n)
    for (auto& dealer : dealers)
      ASSERT_EQ(dealer.send(parts_of({std::to_string(n)})), SendResult::sent);
  std::map<std::string, std::size_t> next;
  for (std::size_t i = 0; i < kPeers * kEach; ++i) {
    const Texts message = await_message(router);
    ASSERT_EQ(message.size(), 2u);
    ASSERT_EQ(message[1], std::to_string(next[message[0]]++));
  }
  EXPECT_EQ(next.size(), kPeers);
}

TEST_F(SocketsTest, a_dealer_without_a_connection_answers_full) {
  Socket dealer = Socket::dealer(context, {});
  EXPECT_EQ(dealer.send(parts_of({"a"})), SendResult::full);
}

TEST_F(SocketsTest, sending_to_a_peer_that_never_existed_is_unreachable) {
  EXPECT_EQ(router.send("nobody", parts_of({"a"})), SendResult::unreachable);
}

TEST_F(SocketsTest, a_peer_that_vanished_becomes_unreachable_and_the_others_stay) {
  Socket stays = connected_dealer();
  const std::string id_of_stays = introduce(stays);
  std::string id_of_gone;
  {
    Socket gone = connected_dealer();
    id_of_gone = introduce(gone);
    ASSERT_EQ(router.send(id_of_gone, parts_of({"a"})), SendResult::sent);
  }
  EXPECT_TRUE(eventually([&] {
    // libzmq removes a closed connection only after everything that came from it was read. Until
    // then, a queue that became full stays full.
    EXPECT_FALSE(router.receive(kPartsMax));
    return router.send(id_of_gone, parts_of({"a"})) == SendResult::unreachable;
  }));
  EXPECT_EQ(router.send(id_of_stays, parts_of({"b"})), SendResult::sent);
  EXPECT_EQ(await_message(stays), Texts{"b"});
}

/// Sends numbered messages of three parts until the queue is full. Returns how many were sent.
template <typename Send>
std::size_t fill(Send send) {
  const std::string body(16u << 10, 'b');
  for (std::size_t n = 0; n < 1'000'000; ++n)
    if (send(parts_of({std::to_string(n), body, "end"})) != SendResult::sent) return n;
  ADD_FAILURE() << "the queue never became full";
  return 0;
}

void expect_all(Socket& socket, std::size_t count, bool after_routing_id) {
  for (std::size_t n = 0; n < count; ++n) {
    Texts message = await_message(socket);
    if (after_routing_id && !message.empty()) message.erase(message.begin());
    ASSERT_EQ(message.size(), 3u) << "message " << n << " of " << count;
    ASSERT_EQ(message[0], std::to_string(n));
    ASSERT_EQ(message[2], "end");
  }
}

TEST_F(SocketsTest, a_full_queue_to_one_peer_is_an_answer_and_loses_nothing_that_was_sent) {
  SocketOptions shallow;
  shallow.high_water_mark = 4;
  Socket small = Socket::router(context, shallow);
  const std::string address = small.bind("tcp://127.0.0.1:0");
  Socket slow = Socket::dealer(context, shallow), quick = Socket::dealer(context, shallow);
  slow.connect(address);
  quick.connect(address);
  ASSERT_EQ(slow.send(parts_of({"hello"})), SendResult::sent);
  const std::string id_of_slow = await_message(small).front();
  ASSERT_EQ(quick.send(parts_of({"hello"})), SendResult::sent);
  const std::string id_of_quick = await_message(small).front();
  const std::size_t sent = fill([&](const Parts& parts) { return small.send(id_of_slow, parts); });
  EXPECT_GE(sent, 4u);
  EXPECT_EQ(small.send(id_of_quick, parts_of({"for quick"})), SendResult::sent)
      << "a slow peer must not hold up another";
  EXPECT_EQ(await_message(quick), Texts{"for quick"});
  expect_all(slow, sent, false);
  EXPECT_FALSE(slow.receive(kPartsMax)) << "a message that was answered with full arrived";
}

TEST_F(SocketsTest, a_full_dealer_can_send_again_after_its_peer_has_read) {
  SocketOptions shallow;
  shallow.high_water_mark = 4;
  Socket small = Socket::router(context, shallow);
  Socket dealer = Socket::dealer(context, shallow);
  dealer.connect(small.bind("tcp://127.0.0.1:0"));
  const std::size_t sent = fill([&](const Parts& parts) { return dealer.send(parts); });
  expect_all(small, sent, true);
  EXPECT_TRUE(eventually([&] { return dealer.send(parts_of({"again"})) == SendResult::sent; }));
  EXPECT_EQ(await_message(small).back(), "again");
}

TEST_F(SocketsTest, an_unreachable_listener_holds_messages_up_to_the_high_water_mark) {
  SocketOptions shallow;
  shallow.high_water_mark = 3;
  const auto path =
      std::filesystem::temp_directory_path() / ("quern-runtime-" + std::to_string(::getpid()));
  const std::string late = "ipc://" + path.string();
  Socket dealer = Socket::dealer(context, shallow);
  dealer.connect(late);
  for (int n = 0; n < 3; ++n)
    ASSERT_EQ(dealer.send(parts_of({std::to_string(n)})), SendResult::sent);
  EXPECT_EQ(dealer.send(parts_of({"3"})), SendResult::full);
  Socket listener = Socket::router(context, {});
  listener.bind(late);
  for (int n = 0; n < 3; ++n) EXPECT_EQ(await_message(listener).back(), std::to_string(n));
  std::filesystem::remove(path);
}

TEST_F(SocketsTest, the_origin_of_a_message_is_the_address_and_no_user_without_authentication) {
  Socket dealer = connected_dealer();
  ASSERT_EQ(dealer.send(parts_of({"a"})), SendResult::sent);
  Origin origin;
  ASSERT_TRUE(eventually([&] { return router.receive(kPartsMax, origin).has_value(); }));
  EXPECT_EQ(origin.user, "");
  EXPECT_EQ(origin.address, "127.0.0.1");
  EXPECT_FALSE(router.receive(kPartsMax, origin));
  EXPECT_EQ(origin.address, "") << "the origin of the previous message";
}

TEST_F(SocketsTest, bind_resolves_port_zero_and_refuses_a_port_that_is_in_use) {
  EXPECT_FALSE(endpoint.ends_with(":0")) << endpoint;
  Socket second = Socket::router(context, {});
  try {
    second.bind(endpoint);
    FAIL() << "two sockets share a port";
  } catch (const zmq::error_t& error) {
    EXPECT_EQ(error.num(), EADDRINUSE);
  }
}

TEST_F(SocketsTest, ports_above_65535_are_refused) {
  for (const char* port : {"65536", "99999", "4294967296", "99999999999999999999"}) {
    const std::string wrong = std::string("tcp://127.0.0.1:") + port;
    Socket dealer = Socket::dealer(context, {});
    EXPECT_THROW(dealer.connect(wrong), std::invalid_argument) << wrong;
    EXPECT_THROW(dealer.bind(wrong), std::invalid_argument) << wrong;
  }
}

TEST_F(SocketsTest, endpoints_that_are_none_are_refused) {
  for (const char* wrong :
       {"", "tcp://", "tcp://127.0.0.1", "nothing://127.0.0.1:1", "127.0.0.1:1"}) {
    Socket dealer = Socket::dealer(context, {});
    EXPECT_THROW(dealer.connect(wrong), zmq::error_t) << wrong;
    EXPECT_THROW(dealer.bind(wrong), zmq::error_t) << wrong;
  }
}

}  // namespace
}  // namespace quern::runtime
