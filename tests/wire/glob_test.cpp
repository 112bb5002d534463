#include "wire/glob.hpp"

#include <gtest/gtest.h>

namespace quern::wire {
namespace {

TEST(Glob, patterns_match_as_the_table_says) {
  struct Case {
    const char* pattern;
    const char* text;
    bool matches;
  };
  const Case table[] = {
      {"", "", true},           {"", "a", false},          {"*", "", true},
      {"*", "anything", true},  {"sum", "sum", true},      {"sum", "sums", false},
      {"sum", "su", false},     {"s?m", "sum", true},      {"s?m", "sm", false},
      {"word*", "words", true}, {"word*", "sword", false}, {"*count", "wordcount", true},
      {"a*b*c", "aXbYc", true}, {"a*b*c", "aXcYb", false}, {"a*bc", "abcbc", true},
      {"**", "x", true},        {"[a]", "a", false},       {"[a]", "[a]", true},
      {"?", "*", true}};
  for (const auto& c : table)
    EXPECT_EQ(matches(c.pattern, c.text), c.matches) << c.pattern << " on " << c.text;
}

TEST(Glob, a_pattern_with_many_stars_terminates) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "a*";
  EXPECT_FALSE(matches(pattern + "b", std::string(10'000, 'a')));
}

}  // namespace
}  // namespace quern::wire
