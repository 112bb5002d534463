// A drawing of who did what when, as SVG: a row per slot, a bar per stretch of work. Pure; std
// only. Names may be anybody's: what is not text of XML is replaced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace quern::cli {

/// A stretch of one row's time. Stretches of a row may touch, not overlap.
struct TimelineSpan {
  std::size_t row = 0;
  double begin_s = 0, end_s = 0;
  std::size_t kind = 0;  ///< index of Timeline::kinds: its colour
  std::uint64_t tasks = 0;
  std::string note;  ///< what the tooltip says besides kind, tasks and times
  bool kept = true;  ///< what was done counted; else the bar is hatched
};

/// Something that happened at one time: a line through all rows.
struct TimelineMark {
  double at_s = 0;
  std::string label;
};

struct Timeline {
  std::string title;
  std::string subtitle;
  std::vector<std::string> rows;   ///< labels, from the top
  std::vector<std::string> kinds;  ///< labels of the legend
  std::vector<TimelineSpan> spans;
  std::vector<TimelineMark> marks;
  double end_s = 0;  ///< of the axis; 0: the last end
};

/// Rows that are drawn; of more the first, and a note says so.
constexpr std::size_t kTimelineRows = 64;
/// Bars beyond which neighbours of one kind become one bar, whose tooltip says how many they were
/// and how much of the time was worked.
constexpr std::size_t kTimelineBars = 4000;

/// A whole SVG document.
std::string svg_of(const Timeline& timeline);

/// A stretch of time as people say it: "2.003 s", "350 ms", "4 min 10 s", "2 h 5 min".
std::string time_text(double seconds);

}  // namespace quern::cli
