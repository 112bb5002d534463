// A drawing of which worker did what and when, as SVG: a row per slot, a bar per stretch of work.
// Pure; std only. Names are untrusted: characters that XML does not allow are replaced.
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
  std::string note;  ///< additional text of the tooltip
  bool kept = true;  ///< the work was used; otherwise the bar is hatched
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

/// Maximum number of rows; if there are more, the first are drawn, with a note.
constexpr std::size_t kTimelineRows = 64;
/// Beyond this number of bars, neighbours of one kind are merged; the tooltip tells their number
/// and the time worked.
constexpr std::size_t kTimelineBars = 4000;

/// A whole SVG document.
std::string svg_of(const Timeline& timeline);

}  // namespace quern::cli
