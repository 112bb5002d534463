#include "cli/output/timeline.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace quern::cli {
namespace {

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + what.size()))
    ++n;
  return n;
}

/// The first reason why a text is not well-formed XML: an unclosed tag, a bare '&' or '<', a
/// control character. Empty if it is well formed.
std::string fault_of(const std::string& xml) {
  std::vector<std::string> open;
  for (std::size_t i = 0; i < xml.size(); ++i) {
    const auto byte = static_cast<unsigned char>(xml[i]);
    if (byte < 0x20 && byte != '\n') return "a control character at " + std::to_string(i);
    if (xml[i] == '&') {
      bool known = false;
      for (const char* name : {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"})
        known = known || xml.compare(i, std::string(name).size(), name) == 0;
      if (!known) return "a bare & at " + std::to_string(i);
    }
    if (xml[i] != '<') continue;
    const std::size_t end = xml.find('>', i);
    if (end == std::string::npos) return "a tag without an end";
    const std::string tag = xml.substr(i + 1, end - i - 1);
    if (tag.find('<') != std::string::npos) return "a < within a tag";
    if (count(tag, "\"") % 2 != 0) return "a quote too many in " + tag;
    const std::string name =
        tag.substr(tag[0] == '/' ? 1 : 0, tag.find_first_of(" /", 1) - (tag[0] == '/' ? 1 : 0));
    if (tag[0] == '/') {
      if (open.empty() || open.back() != name) return "an end of " + name + " that is not open";
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(name);
    }
    i = end;
  }
  return open.empty() ? "" : open.back() + " is not closed";
}

Timeline small() {
  Timeline timeline;
  timeline.title = "two workers";
  timeline.rows = {"w1", "w2"};
  timeline.kinds = {"f", "g"};
  timeline.spans = {{0, 0, 1, 0, 10, "first task 0", true},
                    {0, 1.5, 2, 1, 1, "", true},
                    {1, 0, 0.5, 0, 3, "", false}};
  timeline.marks = {{1, "w2 vanishes"}, {5, "beyond the end"}};
  return timeline;
}

TEST(Timeline, a_timeline_has_bars_tooltips_marks_and_a_legend) {
  const std::string svg = svg_of(small());
  EXPECT_EQ(fault_of(svg), "");
  EXPECT_EQ(count(svg, "<g><title>"), 3U + 1U);  // bars and a mark
  EXPECT_NE(svg.find("w1: f\n10 tasks, 1 s\nfrom 0 s to 1 s\nfirst task 0"), std::string::npos);
  EXPECT_NE(svg.find("1 task, 500 ms"), std::string::npos);
  EXPECT_NE(svg.find("its work was not used"), std::string::npos);
  EXPECT_NE(svg.find("w2 vanishes"), std::string::npos);
  EXPECT_EQ(svg.find("beyond the end"), std::string::npos);
  EXPECT_NE(svg.find("time in s"), std::string::npos);
  EXPECT_EQ(svg.find("rows are shown"), std::string::npos);
}

TEST(Timeline, no_name_breaks_the_drawing) {
  for (const std::string& name :
       {std::string("<b>&\"'</b>"), std::string("\xff\xfe\x80"), std::string("a\0b\x1b[31m", 8),
        std::string("\xed\xa0\x80"), std::string("\xef\xbf\xbf"), std::string("\xc3"),
        std::string(1000, '<'), std::string("gr\xc3\xbc\xc3\x9f dich")}) {
    Timeline timeline = small();
    timeline.title = timeline.subtitle = timeline.rows[0] = timeline.kinds[0] =
        timeline.marks[0].label = timeline.spans[0].note = name;
    const std::string svg = svg_of(timeline);
    EXPECT_EQ(fault_of(svg), "") << name;
    EXPECT_EQ(svg.find('\0'), std::string::npos);
    EXPECT_EQ(count(svg, "\xff"), 0U);
  }
}

TEST(Timeline, empty_and_invalid_timelines_can_be_drawn) {
  EXPECT_EQ(fault_of(svg_of({})), "");
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                   infinity = std::numeric_limits<double>::infinity();
  for (const auto& [begin, end] : {std::pair{nan, 1.0},
                                   {0.0, nan},
                                   {2.0, 1.0},
                                   {0.0, infinity},
                                   {-5.0, 1.0},
                                   {0.0, 0.0},
                                   {0.0, 1e300}}) {
    Timeline timeline = small();
    timeline.spans.push_back({1, begin, end, 7, 1, "", true});
    timeline.spans.push_back({9, 0, 1, 0, 1, "", true});
    timeline.marks.push_back({nan, "never"});
    const std::string svg = svg_of(timeline);
    EXPECT_EQ(fault_of(svg), "");
    EXPECT_EQ(count(svg, "nan") + count(svg, "inf"), 0U);
  }
}

TEST(Timeline, only_the_first_rows_of_many_are_drawn) {
  Timeline timeline;
  timeline.kinds = {"f"};
  for (std::size_t row = 0; row < 10'000; ++row) {
    timeline.rows.push_back("w" + std::to_string(row));
    timeline.spans.push_back({row, 0, 1, 0, 1, "", true});
  }
  const std::string svg = svg_of(timeline);
  EXPECT_EQ(count(svg, "<g><title>"), kTimelineRows);
  EXPECT_NE(svg.find("The first 64 of 10,000 rows are shown."), std::string::npos);
}

TEST(Timeline, many_bars_are_merged_but_idle_time_stays_visible) {
  Timeline timeline;
  timeline.rows = {"w1"};
  timeline.kinds = {"f"};
  for (int i = 0; i < 20'000; ++i) {
    const double begin = i * 0.001 + (i < 10'000 ? 0 : 5);
    timeline.spans.push_back({0, begin, begin + 0.0009, 0, 2, "", true});
  }
  const std::string svg = svg_of(timeline);
  EXPECT_EQ(fault_of(svg), "");
  EXPECT_LE(count(svg, "<g><title>"), kTimelineBars);
  EXPECT_GT(count(svg, "<g><title>"), 100U);
  EXPECT_NE(svg.find("% of the time"), std::string::npos);
  EXPECT_NE(svg.find("to 10 s"), std::string::npos);    // the last before the gap
  EXPECT_NE(svg.find("from 15 s"), std::string::npos);  // the first after it
}

TEST(Timeline, more_kinds_than_colours_are_counted) {
  Timeline timeline = small();
  for (int i = 0; i < 1000; ++i) timeline.kinds.push_back("t" + std::to_string(i));
  EXPECT_NE(svg_of(timeline).find("more; colours repeat"), std::string::npos);
}

}  // namespace
}  // namespace quern::cli
