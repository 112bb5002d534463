// Who gets which item, and when it is done.
#include "gateway/people/desk.hpp"

#include <gtest/gtest.h>

#include <random>

namespace quern::gateway {
namespace {

using namespace std::chrono_literals;

DeskTime at(std::chrono::seconds since) { return DeskTime{} + since; }

class DeskTest : public ::testing::Test {
 protected:
  ItemName item(std::uint64_t task, std::uint32_t answers, std::uint32_t agree,
                std::optional<Json> gold = {}) {
    const ItemName name{"j", task};
    Desk::Item one;
    one.function = "label";
    one.settings.answers = answers;
    one.settings.agree = agree;
    one.content = {"a picture", std::move(gold), {}};
    desk.add(name, std::move(one));
    return name;
  }
  std::optional<Desk::Offer> offer(const std::string& who) {
    auto got = desk.offer(who, {"label"}, at(0s), at(100s));
    check();
    return got;
  }
  void answer(const std::string& who, const Json& value) {
    const auto got = offer(who);
    ASSERT_TRUE(got) << who;
    desk.answer(got->id, value, at(5s));
    check();
  }
  void check() { EXPECT_EQ(desk.broken_invariant().value_or(""), ""); }

  Desk desk;
};

TEST_F(DeskTest, different_people_answer_an_item_until_enough_agree) {
  const ItemName name = item(0, 3, 2);
  answer("ann", "cat");
  EXPECT_FALSE(offer("ann")) << "nobody answers twice";
  EXPECT_FALSE(desk.outcome(name));
  answer("bob", "dog");
  EXPECT_FALSE(desk.outcome(name));
  answer("eve", "cat");
  const auto outcome = desk.outcome(name);
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->agreed);
  EXPECT_EQ(outcome->answer, "cat");
  EXPECT_EQ(outcome->votes, 2u);
  desk.finish(name, *outcome);
  EXPECT_EQ(desk.people().at("bob").compared, 1u);
  EXPECT_EQ(desk.people().at("bob").agreed, 0u);
  EXPECT_EQ(desk.people().at("eve").agreed, 1u);
}

TEST_F(DeskTest, early_agreement_saves_the_other_answers) {
  const ItemName name = item(0, 5, 2);
  answer("ann", 1);
  answer("bob", 1);
  EXPECT_TRUE(desk.outcome(name));
}

TEST_F(DeskTest, without_agreement_an_item_ends_with_its_last_answer) {
  const ItemName name = item(0, 2, 2);
  answer("ann", 1);
  answer("bob", 2);
  const auto outcome = desk.outcome(name);
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->agreed);
  EXPECT_TRUE(outcome->answer.is_null());
}

TEST_F(DeskTest, two_people_do_not_hold_an_item_that_needs_one_answer) {
  item(0, 1, 1);
  EXPECT_TRUE(offer("ann"));
  EXPECT_FALSE(offer("bob"));
}

TEST_F(DeskTest, an_expired_lock_gives_the_item_to_others) {
  item(0, 1, 1);
  const auto got = offer("ann");
  EXPECT_TRUE(desk.held(got->id, "ann", at(99s)));
  EXPECT_FALSE(desk.held(got->id, "bob", at(99s))) << "it is hers";
  EXPECT_FALSE(desk.held(got->id, "ann", at(100s)));
  desk.expire(at(100s));
  EXPECT_TRUE(offer("bob"));
}

TEST_F(DeskTest, extending_keeps_the_lock) {
  item(0, 1, 1);
  const auto got = offer("ann");
  desk.extend(got->id, at(200s));
  desk.expire(at(150s));
  EXPECT_TRUE(desk.held(got->id, "ann", at(150s)));
}

TEST_F(DeskTest, a_skipped_item_is_for_others) {
  item(0, 1, 1);
  desk.skip(offer("ann")->id);
  EXPECT_FALSE(offer("ann"));
  EXPECT_TRUE(offer("bob"));
  EXPECT_EQ(desk.people().at("ann").skipped, 1u);
}

TEST_F(DeskTest, items_that_have_answers_come_first) {
  item(0, 2, 2);
  item(1, 2, 2);
  desk.skip(offer("bob")->id);  // task 0
  answer("bob", "x");           // task 1
  EXPECT_EQ(offer("ann")->name.task, 1u);
}

TEST_F(DeskTest, gold_items_show_how_good_somebody_is) {
  item(0, 2, 2, Json("cat"));
  answer("ann", "cat");
  answer("bob", "dog");
  EXPECT_EQ(desk.people().at("ann").gold_right, 1u);
  EXPECT_EQ(desk.people().at("bob").gold, 1u);
  EXPECT_EQ(desk.people().at("bob").gold_right, 0u);
}

TEST_F(DeskTest, answers_of_an_earlier_gateway_count) {
  desk.restore({"j", 0}, {"ann", "cat", 1}, false, false);
  const ItemName name = item(0, 2, 2);
  EXPECT_FALSE(offer("ann"));
  answer("bob", "cat");
  EXPECT_TRUE(desk.outcome(name)->agreed);
}

TEST_F(DeskTest, an_item_that_was_removed_is_held_by_nobody) {
  const ItemName name = item(0, 2, 1);
  const auto got = offer("ann");
  desk.remove(name);
  check();
  EXPECT_FALSE(desk.held(got->id, "ann", at(0s)));
}

TEST_F(DeskTest, random_stories_keep_the_invariants_and_end) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](unsigned n) { return random() % n; };
    desk = Desk();
    std::size_t done = 0;
    constexpr std::size_t kItems = 20;
    for (std::uint64_t i = 0; i < kItems; ++i) item(i, static_cast<std::uint32_t>(1 + below(3)), 1);
    for (int step = 0; step < 5000 && done < kItems; ++step) {
      if (below(50) == 0) desk.expire(at(100s));
      const std::string who(1, static_cast<char>('a' + below(6)));
      const auto got = desk.offer(who, {"label"}, at(0s), at(100s));
      check();
      if (!got) continue;
      const ItemName name = got->name;
      if (below(10) == 0) continue;  // left open
      if (below(20) == 0)
        desk.skip(got->id);
      else
        desk.answer(got->id, below(2), at(1s));
      check();
      if (const auto outcome = desk.outcome(name)) {
        desk.finish(name, *outcome);
        ++done;
      }
      check();
    }
    desk.expire(at(100s));
    // What is left has been answered or skipped by everybody.
    for (const char who : std::string("abcdef"))
      EXPECT_FALSE(desk.offer(std::string(1, who), {"label"}, at(0s), at(100s))) << seed;
    EXPECT_GE(done, kItems / 2) << "seed " << seed;
  }
}

}  // namespace
}  // namespace quern::gateway
