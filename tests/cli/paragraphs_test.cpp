#include "cli/syntax/paragraphs.hpp"

#include <gtest/gtest.h>

namespace quern::cli {
namespace {

TEST(Paragraphs, are_wrapped_at_spaces) {
  EXPECT_EQ(wrapped("one two three", 7), "one two\nthree");
  EXPECT_EQ(wrapped("one two three", 6), "one\ntwo\nthree");
}

TEST(Paragraphs, newlines_within_them_are_spaces) {
  EXPECT_EQ(wrapped("one\ntwo\nthree", 80), "one two three");
}

TEST(Paragraphs, are_separated_by_an_empty_line) {
  EXPECT_EQ(wrapped("one two\n\nthree", 3), "one\ntwo\n\nthree");
}

TEST(Paragraphs, a_long_word_gets_a_line_of_its_own) {
  EXPECT_EQ(wrapped("a longest b", 3), "a\nlongest\nb");
}

TEST(Paragraphs, of_nothing_are_nothing) {
  EXPECT_EQ(wrapped("", 80), "");
  EXPECT_EQ(wrapped(" \n\n", 80), "");
}

}  // namespace
}  // namespace quern::cli
