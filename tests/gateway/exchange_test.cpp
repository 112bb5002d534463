// The meeting place of a connection and its handler.
#include "gateway/http/exchange.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace quern::gateway {
namespace {

class ExchangeTest : public ::testing::Test {
 protected:
  std::atomic<int> wakes{0};
  Exchange exchange{{}, [this] { ++wakes; }};
};

TEST_F(ExchangeTest, the_first_answer_counts) {
  exchange.respond({201, "", "a", {}});
  exchange.respond({500, "", "b", {}});
  EXPECT_EQ(exchange.take_answer()->status, 201u);
  EXPECT_FALSE(exchange.take_answer());
  EXPECT_EQ(wakes, 1);
}

TEST_F(ExchangeTest, the_outcome_is_told_once_to_everybody) {
  std::vector<bool> told;
  exchange.on_outcome([&](bool written) { told.push_back(written); });
  exchange.conclude(true);
  exchange.conclude(false);
  exchange.on_outcome([&](bool written) { told.push_back(written); });
  EXPECT_EQ(told, (std::vector<bool>{true, true}));
  EXPECT_FALSE(exchange.gone());
}

TEST_F(ExchangeTest, a_writer_waits_for_a_slow_peer_and_learns_that_it_has_left) {
  exchange.begin({200, "", "", {}});
  std::atomic<int> written{0};
  std::thread writer([&] {
    while (exchange.write(std::string(100'000, 'x'))) ++written;
  });
  while (written < 3) std::this_thread::yield();
  EXPECT_EQ(exchange.take_parts().size() % 100'000, 0u);
  exchange.conclude(false);
  writer.join();
  EXPECT_TRUE(exchange.gone());
  EXPECT_FALSE(exchange.offer("y"));
}

TEST_F(ExchangeTest, an_offer_is_refused_when_too_much_waits) {
  exchange.begin({200, "", "", {}});
  EXPECT_TRUE(exchange.offer(std::string(200'000, 'x')));
  EXPECT_FALSE(exchange.offer(std::string(200'000, 'x')));
  exchange.take_parts();
  EXPECT_TRUE(exchange.offer("y"));
  exchange.end();
  EXPECT_EQ(exchange.rest(), Exchange::Rest::more);
  EXPECT_EQ(exchange.take_parts(), "y");
  EXPECT_EQ(exchange.rest(), Exchange::Rest::complete);
}

TEST_F(ExchangeTest, a_reader_gets_the_body_and_whether_it_is_whole) {
  exchange.feed("a");
  exchange.feed("b");
  EXPECT_EQ(exchange.read(), "a");
  std::thread peer([&] { exchange.end_body(true); });
  EXPECT_EQ(exchange.read(), "b");
  EXPECT_EQ(exchange.read(), std::nullopt);
  EXPECT_TRUE(exchange.body_is_whole());
  peer.join();
}

TEST_F(ExchangeTest, a_peer_that_leaves_cuts_its_body) {
  std::thread peer([&] { exchange.conclude(false); });
  EXPECT_EQ(exchange.read(), std::nullopt);
  EXPECT_FALSE(exchange.body_is_whole());
  peer.join();
}

}  // namespace
}  // namespace quern::gateway
