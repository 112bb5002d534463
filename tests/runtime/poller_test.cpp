// The poller: what wakes it, what it must not sleep on, and what it must not wait for.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include <atomic>

#include "runtime/mailbox.hpp"
#include "runtime/runtime_fixture.hpp"

namespace quern::runtime {
namespace {

class PollerTest : public SocketsTest {
 protected:
  /// Waits as long as kDeadline and fails if it took that long.
  void expect_wake_up() {
    const auto start = SteadyClock::now();
    poller.wait(kDeadline);
    EXPECT_LT(SteadyClock::now() - start, kDeadline) << "the poller slept through it";
  }

  /// Waits before every attempt to receive. Returns the first part.
  std::string receive_after_wait(Socket& socket) {
    for (;;) {
      expect_wake_up();
      if (HasFailure()) return {};
      if (const auto parts = socket.receive(kPartsMax)) return std::string(parts->front().view);
    }
  }

  Poller poller;
};

TEST_F(PollerTest, a_post_from_another_thread_wakes_it) {
  Mailbox<int> mailbox;
  poller.add(mailbox.fd());
  std::thread other([&] { mailbox.post(1); });
  expect_wake_up();
  EXPECT_TRUE(poller.readable(0));
  other.join();
}

TEST_F(PollerTest, a_post_before_the_wait_is_seen) {
  Mailbox<int> mailbox;
  mailbox.post(1);
  poller.add(mailbox.fd());
  expect_wake_up();
  EXPECT_TRUE(poller.readable(0));
}

TEST_F(PollerTest, a_negative_timeout_waits_until_something_happens) {
  Mailbox<int> mailbox;
  poller.add(mailbox.fd());
  std::thread other([&] { mailbox.post(1); });
  poller.wait(-1ms);
  EXPECT_TRUE(poller.readable(0));
  other.join();
}

TEST_F(PollerTest, an_actor_that_is_blocked_in_a_wait_can_be_stopped_by_a_post) {
  enum class Order { work, stop };
  Mailbox<Order> mailbox;
  std::atomic<int> turns{0};
  std::thread actor([&] {
    Poller own;
    own.add(router);
    own.add(mailbox.fd());
    std::vector<Order> orders;
    for (;;) {
      ++turns;
      own.wait(-1ms);
      mailbox.drain(orders);
      for (const Order order : orders)
        if (order == Order::stop) return;
    }
  });
  mailbox.post(Order::work);
  EXPECT_TRUE(eventually([&] { return turns >= 2; })) << "the first post did not wake the actor";
  mailbox.post(Order::stop);
  actor.join();
}

TEST_F(PollerTest, a_message_wakes_it) {
  Socket dealer = connected_dealer();
  poller.add(router);
  ASSERT_EQ(dealer.send(parts_of({"a"})), SendResult::sent);
  const auto deadline = SteadyClock::now() + kDeadline;
  std::optional<Parts> parts;
  // libzmq's descriptor also announces events that bring no message, such as the connection.
  while (!(parts = router.receive(kPartsMax)) && left_until(deadline) > 0ms)
    poller.wait(left_until(deadline));
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->back().view, "a");
}

TEST_F(PollerTest, messages_behind_the_one_that_was_read_are_not_slept_on) {
  Socket dealer = connected_dealer();
  const std::string id = introduce(dealer);
  for (const char* text : {"1", "2", "3"})
    ASSERT_EQ(router.send(id, parts_of({text})), SendResult::sent);
  poller.add(dealer);
  EXPECT_EQ(await_message(dealer), std::vector<std::string>{"1"});
  // One message per round, as an actor reads that is busy with other things too.
  for (const char* text : {"2", "3"}) EXPECT_EQ(receive_after_wait(dealer), text);
}

TEST_F(PollerTest, a_message_whose_signal_was_consumed_by_a_send_is_not_slept_on) {
  Socket dealer = connected_dealer();
  const std::string id = introduce(dealer);
  EXPECT_FALSE(dealer.receive(kPartsMax));
  ASSERT_EQ(router.send(id, parts_of({"answer"})), SendResult::sent);
  // Wait on the bare descriptor: the message has arrived, and no call of the socket knows it.
  pollfd item{dealer.raw().get(zmq::sockopt::fd), POLLIN, 0};
  ASSERT_EQ(::poll(&item, 1, static_cast<int>(kDeadline.count())), 1);
  ASSERT_TRUE(eventually([&] {
    dealer.send(parts_of({"question"}));
    return ::poll(&item, 1, 0) == 0;
  })) << "no send consumed the signal";
  poller.add(dealer);
  EXPECT_EQ(receive_after_wait(dealer), "answer");
}

TEST_F(PollerTest, it_returns_after_its_timeout_and_reports_nothing) {
  Mailbox<int> mailbox;
  poller.add(mailbox.fd());
  poller.add(router);
  const auto start = SteadyClock::now();
  poller.wait(20ms);
  EXPECT_GE(SteadyClock::now() - start, 19ms);
  EXPECT_FALSE(poller.readable(0));
  EXPECT_FALSE(poller.readable(1));
}

TEST_F(PollerTest, do_not_wait_holds_for_one_wait_only) {
  Mailbox<int> mailbox;
  poller.add(mailbox.fd());
  poller.do_not_wait();
  expect_wake_up();
  const auto start = SteadyClock::now();
  poller.wait(20ms);
  EXPECT_GE(SteadyClock::now() - start, 19ms);
}

TEST_F(PollerTest, a_watched_socket_counts_as_two_entries) {
  Mailbox<int> mailbox;
  Socket dealer = Socket::dealer(context, {});
  dealer.watch(context);
  poller.add(dealer);
  poller.add(mailbox.fd());
  EXPECT_EQ(dealer.link_event(), LinkEvent::none);
  mailbox.post(1);
  expect_wake_up();
  EXPECT_TRUE(poller.readable(2));
  EXPECT_FALSE(poller.readable(1));
}

TEST_F(PollerTest, an_event_of_the_connection_wakes_it) {
  Socket dealer = Socket::dealer(context, {});
  dealer.watch(context);
  EXPECT_EQ(dealer.link_event(), LinkEvent::none);
  dealer.connect(endpoint);
  EXPECT_EQ(await_event(dealer), LinkEvent::connected);
}

TEST_F(PollerTest, clear_forgets_every_entry_and_do_not_wait) {
  Mailbox<int> noisy, quiet;
  noisy.post(1);
  poller.add(noisy.fd());
  poller.do_not_wait();
  poller.clear();
  poller.add(quiet.fd());
  const auto start = SteadyClock::now();
  poller.wait(20ms);
  EXPECT_GE(SteadyClock::now() - start, 19ms);
  EXPECT_FALSE(poller.readable(0));
}

TEST_F(PollerTest, it_finds_the_one_that_is_readable_among_many) {
  std::vector<std::unique_ptr<Mailbox<int>>> mailboxes;
  for (int i = 0; i < 200; ++i) {
    mailboxes.push_back(std::make_unique<Mailbox<int>>());
    poller.add(mailboxes.back()->fd());
  }
  mailboxes[137]->post(1);
  expect_wake_up();
  for (std::size_t i = 0; i < mailboxes.size(); ++i) EXPECT_EQ(poller.readable(i), i == 137) << i;
}

TEST_F(PollerTest, a_signal_ends_the_wait_and_nothing_counts_as_readable) {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  struct sigaction before {};
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  Mailbox<int> mailbox;
  poller.add(mailbox.fd());
  std::atomic<bool> returned{false};
  const pthread_t waiting = ::pthread_self();
  // Again and again, because a signal before the wait would interrupt nothing.
  std::thread other([&] {
    while (!returned) {
      ::pthread_kill(waiting, SIGUSR1);
      std::this_thread::yield();
    }
  });
  expect_wake_up();
  returned = true;
  other.join();
  EXPECT_FALSE(poller.readable(0));
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_F(PollerTest, a_descriptor_that_is_closed_is_not_readable_and_does_not_hide_the_others) {
  const int closed = ::open("/dev/null", O_RDONLY);
  ASSERT_GE(closed, 0);
  Mailbox<int> mailbox;
  ::close(closed);  // last, or the mailbox would get the same number
  mailbox.post(1);
  poller.add(closed);
  poller.add(mailbox.fd());
  expect_wake_up();
  EXPECT_FALSE(poller.readable(0));
  EXPECT_TRUE(poller.readable(1));
}

}  // namespace
}  // namespace quern::runtime
