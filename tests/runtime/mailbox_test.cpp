// The mailbox of an actor: order, wake-ups, and what happens to messages that nobody reads.
#include "runtime/mailbox.hpp"

#include <fcntl.h>
#include <poll.h>

#include <numeric>

#include "runtime/runtime_fixture.hpp"

namespace quern::runtime {
namespace {

bool is_readable(int fd) {
  pollfd item{fd, POLLIN, 0};
  return ::poll(&item, 1, 0) == 1;
}

TEST(Mailbox, drain_returns_messages_in_the_order_of_their_posts) {
  Mailbox<int> mailbox;
  for (int i = 0; i < 100; ++i) mailbox.post(i);
  std::vector<int> out;
  mailbox.drain(out);
  std::vector<int> expected(100);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(out, expected);
}

TEST(Mailbox, draining_an_empty_mailbox_returns_nothing_and_does_not_block) {
  Mailbox<int> mailbox;
  std::vector<int> out{1, 2, 3};
  mailbox.drain(out);
  EXPECT_TRUE(out.empty()) << "the messages of the previous drain are still there";
}

TEST(Mailbox, the_descriptor_is_readable_exactly_while_messages_wait) {
  Mailbox<int> mailbox;
  std::vector<int> out;
  EXPECT_FALSE(is_readable(mailbox.fd()));
  mailbox.post(1);
  mailbox.post(2);
  EXPECT_TRUE(is_readable(mailbox.fd()));
  mailbox.drain(out);
  EXPECT_FALSE(is_readable(mailbox.fd()));
  mailbox.post(3);
  EXPECT_TRUE(is_readable(mailbox.fd())) << "a post after a drain must wake the owner again";
}

TEST(Mailbox, the_descriptor_is_not_inherited_by_programs_that_are_started) {
  Mailbox<int> mailbox;
  EXPECT_NE(::fcntl(mailbox.fd(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(Mailbox, messages_may_be_movable_only) {
  Mailbox<std::unique_ptr<int>> mailbox;
  mailbox.post(std::make_unique<int>(7));
  std::vector<std::unique_ptr<int>> out;
  mailbox.drain(out);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(*out.front(), 7);
}

TEST(Mailbox, unread_messages_are_destroyed_with_the_mailbox) {
  const auto message = std::make_shared<int>(1);
  {
    Mailbox<std::shared_ptr<int>> mailbox;
    mailbox.post(message);
    EXPECT_EQ(message.use_count(), 2);
  }
  EXPECT_EQ(message.use_count(), 1);
}

TEST(Mailbox, posts_of_several_threads_all_arrive_and_each_thread_keeps_its_order) {
  constexpr int kThreads = 4, kEach = 20'000;
  struct Post {
    int thread;
    int number;
  };
  Mailbox<Post> mailbox;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&mailbox, t] {
      for (int i = 0; i < kEach; ++i) mailbox.post({t, i});
    });
  Poller poller;
  poller.add(mailbox.fd());
  std::vector<int> next(kThreads, 0);
  std::vector<Post> out;
  const auto deadline = SteadyClock::now() + kDeadline;
  while (std::accumulate(next.begin(), next.end(), 0) < kThreads * kEach) {
    if (left_until(deadline) == 0ms) break;
    poller.wait(left_until(deadline));
    mailbox.drain(out);
    for (const Post& post : out) {
      EXPECT_EQ(post.number, next[static_cast<std::size_t>(post.thread)]++);
      if (HasFailure()) break;
    }
    if (HasFailure()) break;
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(next, std::vector<int>(kThreads, kEach));
}

TEST(Mailbox, two_actors_that_wake_each_other_never_miss_a_post) {
  // Each side sleeps until the other has posted: one lost wake-up stops both.
  constexpr int kRounds = 20'000;
  Mailbox<int> ping, pong;
  const auto wait_for = [](Mailbox<int>& mailbox, std::vector<int>& out) {
    Poller poller;
    poller.add(mailbox.fd());
    poller.wait(kDeadline);
    mailbox.drain(out);
    return out.size() == 1;
  };
  std::thread other([&] {
    std::vector<int> out;
    for (int i = 0; i < kRounds && wait_for(ping, out); ++i) pong.post(out.front() + 1);
  });
  std::vector<int> out{0};
  int rounds = 0;
  for (; rounds < kRounds; ++rounds) {
    ping.post(out.front());
    if (!wait_for(pong, out)) break;
  }
  other.join();
  ASSERT_EQ(rounds, kRounds) << "a wake-up was lost";
  EXPECT_EQ(out.front(), kRounds);
}

}  // namespace
}  // namespace quern::runtime
