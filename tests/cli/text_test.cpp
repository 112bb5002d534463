#include <gtest/gtest.h>

#include <limits>

#include "cli/output/human.hpp"
#include "cli/output/table.hpp"
#include "cli/syntax/suggest.hpp"

namespace quern::cli {
namespace {

TEST(Human, counts_are_short_and_never_round_up_to_a_thousand_of_a_unit) {
  EXPECT_EQ(human_count(0), "0");
  EXPECT_EQ(human_count(999), "999");
  EXPECT_EQ(human_count(0.25), "0.2");
  EXPECT_EQ(human_count(1000), "1.0k");
  EXPECT_EQ(human_count(999'949), "999.9k");
  EXPECT_EQ(human_count(999'999), "1.0M");
  EXPECT_EQ(human_count(2.5e9), "2.5G");
}

TEST(Human, byte_units_are_powers_of_1024) {
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1024), "1.0 KiB");
  EXPECT_EQ(human_bytes((1u << 20) - 1), "1.0 MiB");
}

TEST(Human, an_unknown_rate_is_a_dash) {
  EXPECT_EQ(human_rate(0), "-");
  EXPECT_EQ(human_rate(1234), "1.2k/s");
}

TEST(Suggest, a_swap_counts_as_one_edit) {
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("run", "run"), 0u);
  EXPECT_EQ(edit_distance("wrokers", "workers"), 1u);
  EXPECT_EQ(edit_distance("--inptu", "--input"), 1u);
}

TEST(Suggest, only_near_words_are_suggested) {
  EXPECT_EQ(nearest("jbs", {"jobs", "job"}), "jobs");
  EXPECT_EQ(nearest("wordcuont", {"sum", "wordcount"}), "wordcount");
  EXPECT_EQ(nearest("wholly_different", {"sum", "wordcount"}), std::nullopt);
}

TEST(Table, columns_are_aligned_and_lines_have_no_trailing_blanks) {
  Table table({{"name"}, {"tasks", Align::right}, {"reason"}});
  table.add({"a", "1", ""});
  table.add({"longer", "12345", "why"});
  EXPECT_EQ(table.text(),
            "name    tasks  reason\n"
            "a           1\n"
            "longer  12345  why\n");
}

TEST(Table, control_characters_do_not_reach_the_terminal) {
  Table table({{"name"}});
  table.add({"\033[2Jevil\n"});
  EXPECT_EQ(table.text(), "name\n?[2Jevil?\n");
}

TEST(Printable, control_and_invisible_characters_are_shown_as_question_marks) {
  const struct {
    const char* text;
    const char* shown;
  } cases[] = {{"plain", "plain"},
               {"Käse \u65e5\u672c \U0001F600", "Käse \u65e5\u672c \U0001F600"},
               {"a\033[2J\x7f", "a?[2J?"},
               {"\u0085\u009b", "??"},
               {"gpj.\u202eexe", "gpj.?exe"},
               {"\u2066a\u2069\u200e\u200f\u061c", "?a????"},
               {"ad\u200bmin\u2060\ufeff\u00ad", "ad?min???"},
               {"\u2028\u2029", "??"},
               {"\xff\xc0\x80\xed\xa0\x80", "??????"},
               {"cut \xe2\x82", "cut ??"},
               {"\U000E0041", "?"}};
  for (const auto& c : cases) EXPECT_EQ(printable(c.text), c.shown) << c.text;
}

TEST(Human, extreme_numbers_are_printed_safely) {
  for (const double odd : {1e308, -1e308, std::numeric_limits<double>::infinity(),
                           std::numeric_limits<double>::quiet_NaN(), 1e24}) {
    for (const std::string& text : {human_count(odd), human_rate(odd), percent(odd), bar(odd, 8)}) {
      EXPECT_LE(text.size(), 12u) << odd;
      EXPECT_EQ(printable(text), text) << odd;
    }
  }
  EXPECT_EQ(human_bytes(std::numeric_limits<std::uint64_t>::max()), "16.0 EiB");
  EXPECT_EQ(plural(1, "attempt") + ", " + plural(0, "attempt"), "1 attempt, 0 attempts");
}

TEST(Table, the_width_counts_characters_not_bytes) {
  Table table({{"name"}, {"x"}});
  table.add({"müller", "1"});
  table.add({"mueller", "2"});
  EXPECT_EQ(table.text(),
            "name     x\n"
            "müller   1\n"
            "mueller  2\n");
}

}  // namespace
}  // namespace quern::cli
