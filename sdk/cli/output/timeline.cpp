#include "cli/output/timeline.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <system_error>

#include "notation/duration.hpp"

namespace quern::cli {
namespace {

constexpr double kWidth = 1200, kRight = 64, kHeadHeight = 58, kAxis = 46, kLegendLine = 20,
                 kLetter = 6.6;
constexpr std::size_t kLegendMost = 18;

// Distinguishable with red-green colour blindness, and dark enough for a white background.
constexpr std::array<std::string_view, 12> kColours = {"#3b6fb6", "#e07b39", "#4a9a5d", "#b8467b",
                                                       "#8a6bbe", "#c9a227", "#2a9aa8", "#9c5a3c",
                                                       "#7a8791", "#d4574e", "#6f9a26", "#4b4fa8"};

std::string_view colour_of(std::size_t kind) { return kColours[kind % kColours.size()]; }

std::string number(double value, int digits = 2) {
  if (!std::isfinite(value)) value = 0;
  char text[64];
  const auto written =
      std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, digits);
  if (written.ec != std::errc{})
    return {text,
            std::to_chars(text, text + sizeof text, value, std::chars_format::scientific, 3).ptr};
  std::string out(text, written.ptr);
  if (out.find('.') != std::string::npos) {
    while (out.back() == '0') out.pop_back();
    if (out.back() == '.') out.pop_back();
  }
  return out == "-0" ? "0" : out;
}

/// 1234567 as 1,234,567.
std::string grouped(std::uint64_t value) {
  const std::string digits = std::to_string(value);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

/// Length in bytes of the UTF-8 character at the beginning of the text, 0 if XML does not allow it.
std::size_t character(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return first >= 0x20 || first == '\t' || first == '\n' ? 1 : 0;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  std::uint32_t code = first & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return 0;
    code = code << 6 | (byte(i) & 0x3fU);
  }
  const bool longer_than_needed = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool none =
      (code >= 0xd800 && code < 0xe000) || code > 0x10ffff || code == 0xfffe || code == 0xffff;
  return longer_than_needed || none ? 0 : length;
}

std::string escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = character(text);
    const std::string_view next = text.substr(0, std::max<std::size_t>(1, length));
    text.remove_prefix(next.size());
    if (length == 0)
      out += '?';
    else if (next == "&")
      out += "&amp;";
    else if (next == "<")
      out += "&lt;";
    else if (next == ">")
      out += "&gt;";
    else if (next == "\"")
      out += "&quot;";
    else if (next == "'")
      out += "&#39;";
    else
      out += next;
  }
  return out;
}

/// Cuts the text to this many characters.
std::string shortened(const std::string& text, std::size_t most) {
  std::size_t bytes = 0, count = 0;
  for (; bytes < text.size() && count < most; ++count)
    bytes += std::max<std::size_t>(1, character(std::string_view(text).substr(bytes)));
  return bytes >= text.size() ? text : text.substr(0, bytes) + "…";
}

struct Unit {
  std::string_view name;
  double seconds;
};

Unit unit_of(double span_s) {
  if (span_s < 1e-3) return {"us", 1e-6};
  if (span_s < 1) return {"ms", 1e-3};
  if (span_s <= 300) return {"s", 1};
  if (span_s <= 4 * 3600) return {"min", 60};
  if (span_s <= 96 * 3600) return {"h", 3600};
  return {"days", 86400};
}

/// The distance of ticks: 1, 2 or 5 times a power of ten, for about ten ticks.
double step_of(double span) {
  const double rough = span / 10;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= rough * 0.999) return factor * power;
  return 10 * power;
}

/// One bar: a span, or several merged ones.
struct Bar {
  std::size_t row, kind;
  double begin, end, worked;
  std::uint64_t tasks;
  std::size_t spans;
  bool kept;
  const std::string* note;
};

/// Merges neighbours of one kind if the gap between them is at most `gap` and they are together not
/// longer than `longest`.
std::vector<Bar> merged(const std::vector<Bar>& bars, double gap, double longest) {
  std::vector<Bar> out;
  for (const Bar& bar : bars) {
    Bar* last = out.empty() ? nullptr : &out.back();
    const bool alike =
        last && last->row == bar.row && last->kind == bar.kind && last->kept == bar.kept;
    if (!alike || bar.begin - last->end > gap || bar.end - last->begin > longest) {
      out.push_back(bar);
      continue;
    }
    last->end = std::max(last->end, bar.end);
    last->worked += bar.worked;
    last->tasks += bar.tasks;
    last->spans += bar.spans;
  }
  return out;
}

std::vector<Bar> bars_of(const Timeline& timeline, std::size_t rows, double end_s) {
  std::vector<Bar> bars;
  for (const auto& span : timeline.spans) {
    if (span.row >= rows || !(span.end_s >= span.begin_s)) continue;
    bars.push_back({span.row, span.kind, span.begin_s, span.end_s, span.end_s - span.begin_s,
                    span.tasks, 1, span.kept, &span.note});
  }
  std::stable_sort(bars.begin(), bars.end(), [](const Bar& a, const Bar& b) {
    return a.row != b.row ? a.row < b.row : a.begin < b.begin;
  });
  if (bars.size() <= kTimelineBars) return bars;
  // First merges the shortest bars across gaps of less than a pixel, which are invisible; larger
  // gaps only if that is not enough, and never gaps of more than a fiftieth of the axis.
  std::vector<Bar> fewer;
  const double unseen = end_s / 2000;
  double longest = unseen;
  while (longest < 2 * end_s) {
    if (fewer = merged(bars, unseen, longest); fewer.size() <= kTimelineBars) return fewer;
    longest *= 2;
  }
  double gap = 2 * unseen;
  while (gap <= end_s / 50) {
    if (fewer = merged(bars, gap, end_s); fewer.size() <= kTimelineBars) break;
    gap *= 2;
  }
  return fewer;
}

std::string tooltip_of(const Bar& bar, const Timeline& timeline) {
  std::string text = timeline.rows[bar.row] + ": " +
                     (bar.kind < timeline.kinds.size() ? timeline.kinds[bar.kind] : "") + "\n" +
                     grouped(bar.tasks) + (bar.tasks == 1 ? " task, " : " tasks, ") +
                     notation::long_duration(bar.worked);
  if (bar.spans > 1)
    text += " in " + grouped(bar.spans) + " leases (" +
            number(100 * bar.worked / std::max(1e-12, bar.end - bar.begin), 1) + " % of the time)";
  text +=
      "\nfrom " + notation::long_duration(bar.begin) + " to " + notation::long_duration(bar.end);
  if (bar.spans == 1 && !bar.note->empty()) text += "\n" + *bar.note;
  if (!bar.kept)
    text +=
        "\n"
        "its work was not used";
  return text;
}

std::string text_at(double x, double y, std::string_view attributes, std::string_view text) {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\"" + (attributes.empty() ? "" : " ") +
         std::string(attributes) + ">" + escaped(text) + "</text>\n";
}

/// The drawing under construction, with the positions of its parts.
class Drawing {
 public:
  explicit Drawing(const Timeline& timeline)
      : timeline_(timeline), rows_(std::min(timeline.rows.size(), kTimelineRows)) {
    row_height_ = rows_ <= 16 ? 26 : rows_ <= 32 ? 20 : 14;
    std::size_t letters = 4;
    for (std::size_t row = 0; row < rows_; ++row)
      letters = std::max(letters, std::min<std::size_t>(24, timeline.rows[row].size()));
    left_ = 24 + kLetter * static_cast<double>(letters);
    end_s_ = timeline.end_s;
    if (!(end_s_ > 0) || !std::isfinite(end_s_)) end_s_ = 0;
    for (const auto& span : timeline.spans)
      if (span.row < rows_ && std::isfinite(span.end_s)) end_s_ = std::max(end_s_, span.end_s);
    if (end_s_ <= 0) end_s_ = 1;
    place_marks();
    lay_out_legend();
  }

  std::string svg() {
    const double bottom = top_ + row_height_ * static_cast<double>(rows_);
    const double height = bottom + kAxis + kLegendLine * static_cast<double>(legend_lines_) +
                          (hidden_rows() > 0 ? kLegendLine : 0) + 8;
    out_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + number(kWidth) + "\" height=\"" +
           number(height) + "\" viewBox=\"0 0 " + number(kWidth) + " " + number(height) +
           "\" font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', Helvetica, sans-serif\" "
           "font-size=\"12\" fill=\"#222222\">\n";
    out_ += "<title>" + escaped(timeline_.title) + "</title>\n";
    out_ +=
        "<defs><pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
        "patternTransform=\"rotate(45)\">"
        "<rect width=\"6\" height=\"6\" fill=\"#ffffff\" fill-opacity=\"0.45\"/><rect "
        "width=\"2.5\" height=\"6\" fill=\"#222222\" fill-opacity=\"0.55\"/></pattern></defs>\n";
    // A background of its own, so that text remains readable in a dark viewer.
    out_ += "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
    out_ +=
        text_at(16, 26, "font-size=\"17\" font-weight=\"600\"", shortened(timeline_.title, 120));
    out_ += text_at(16, 46, "fill=\"#5a5a5a\"", shortened(timeline_.subtitle, 170));
    draw_rows();
    draw_axis(bottom);
    draw_bars();
    draw_marks(bottom);
    draw_legend(bottom + kAxis + 6);
    if (hidden_rows() > 0)
      out_ +=
          text_at(left_, bottom + kAxis + 6 + kLegendLine * static_cast<double>(legend_lines_) + 4,
                  "fill=\"#5a5a5a\" font-style=\"italic\"",
                  "The first " + std::to_string(rows_) + " of " + grouped(timeline_.rows.size()) +
                      " rows are shown.");
    out_ += "</svg>\n";
    return std::move(out_);
  }

 private:
  struct Placed {
    const TimelineMark* mark;
    int line;
  };

  double x_of(double seconds) const {
    return left_ + std::clamp(seconds / end_s_, 0.0, 1.0) * (kWidth - kRight - left_);
  }
  double y_of(std::size_t row) const { return top_ + row_height_ * static_cast<double>(row); }
  std::size_t hidden_rows() const { return timeline_.rows.size() - rows_; }

  /// Labels of marks are placed above the rows, in several lines if they would overlap.
  void place_marks() {
    std::vector<const TimelineMark*> marks;
    for (const auto& mark : timeline_.marks)
      if (std::isfinite(mark.at_s) && mark.at_s >= 0 && mark.at_s <= end_s_) marks.push_back(&mark);
    std::stable_sort(marks.begin(), marks.end(),
                     [](const auto* a, const auto* b) { return a->at_s < b->at_s; });
    std::vector<double> taken;
    for (const auto* mark : marks) {
      const auto [begin, end] = label_of(*mark);
      std::size_t line = 0;
      while (line < taken.size() && taken[line] > begin) ++line;
      if (line == taken.size()) {
        if (line == 4) continue;  // no room for its label; the tooltip has it
        taken.push_back(0);
      }
      taken[line] = end + 8;
      marks_.push_back({mark, static_cast<int>(line)});
    }
    mark_lines_ = taken.size();
    top_ = kHeadHeight + 6 + 15 * static_cast<double>(mark_lines_);
  }

  /// The horizontal extent of the label.
  std::pair<double, double> label_of(const TimelineMark& mark) const {
    const double width =
        kLetter * static_cast<double>(std::min<std::size_t>(40, mark.label.size()));
    const double begin = std::max(8.0, std::min(x_of(mark.at_s), kWidth - kRight - width));
    return {begin, begin + width};
  }

  void lay_out_legend() {
    double x = left_;
    legend_lines_ = timeline_.kinds.empty() ? 0 : 1;
    for (std::size_t kind = 0; kind < std::min(timeline_.kinds.size(), kLegendMost); ++kind) {
      const double width = 30 + kLetter * static_cast<double>(std::min<std::size_t>(
                                              32, timeline_.kinds[kind].size()));
      if (x + width > kWidth - 16 && x > left_) {
        x = left_;
        ++legend_lines_;
      }
      legend_.push_back({x, legend_lines_ - 1});
      x += width;
    }
    if (timeline_.kinds.size() > kLegendMost) ++legend_lines_;
  }

  void draw_rows() {
    std::vector<double> worked(rows_);
    for (const auto& span : timeline_.spans)
      if (span.row < rows_ && span.kept && span.end_s > span.begin_s)
        worked[span.row] += span.end_s - span.begin_s;
    for (std::size_t row = 0; row < rows_; ++row) {
      const double y = y_of(row);
      out_ += "<rect x=\"" + number(left_) + "\" y=\"" + number(y) + "\" width=\"" +
              number(kWidth - kRight - left_) + "\" height=\"" + number(row_height_) +
              "\" fill=\"" + (row % 2 == 0 ? "#f4f5f7" : "#fbfbfc") + "\"/>\n";
      const double base = y + row_height_ / 2 + 4;
      const std::string size = row_height_ < 18 ? " font-size=\"10\"" : "";
      out_ += text_at(left_ - 8, base, "text-anchor=\"end\"" + size,
                      shortened(timeline_.rows[row], 24));
      out_ += text_at(kWidth - kRight + 8, base, "fill=\"#5a5a5a\"" + size,
                      number(100 * worked[row] / end_s_, 1) + " %");
    }
    out_ += text_at(kWidth - kRight + 8, top_ - 5, "fill=\"#5a5a5a\" font-size=\"10\"", "worked");
  }

  void draw_axis(double bottom) {
    const Unit unit = unit_of(end_s_);
    const double span = end_s_ / unit.seconds, step = step_of(span);
    const int digits = step < 1 ? static_cast<int>(std::ceil(-std::log10(step) - 1e-9)) : 0;
    for (int i = 0; i * step <= span * 1.0001; ++i) {
      const double x = x_of(i * step * unit.seconds);
      out_ += "<line x1=\"" + number(x) + "\" y1=\"" + number(top_) + "\" x2=\"" + number(x) +
              "\" y2=\"" + number(bottom + 5) + "\" stroke=\"#c9ced6\" stroke-width=\"1\"/>\n";
      out_ += text_at(x, bottom + 19, "text-anchor=\"middle\"", number(i * step, digits));
    }
    out_ += "<line x1=\"" + number(left_) + "\" y1=\"" + number(bottom) + "\" x2=\"" +
            number(kWidth - kRight) + "\" y2=\"" + number(bottom) + "\" stroke=\"#5a5a5a\"/>\n";
    out_ += text_at((left_ + kWidth - kRight) / 2, bottom + 36,
                    "text-anchor=\"middle\" fill=\"#5a5a5a\"", "time in " + std::string(unit.name));
  }

  void draw_bars() {
    const double inset = row_height_ < 18 ? 1.5 : 3;
    for (const Bar& bar : bars_of(timeline_, rows_, end_s_)) {
      const double x = x_of(bar.begin), width = x_of(bar.end) - x;
      // A gap of background between two bars, if there is room for it.
      const double drawn = std::max(0.3, width > 3 ? width - 0.6 : width);
      const std::string where = "x=\"" + number(x) + "\" y=\"" + number(y_of(bar.row) + inset) +
                                "\" width=\"" + number(drawn) + "\" height=\"" +
                                number(row_height_ - 2 * inset) + "\"";
      out_ += "<g><title>" + escaped(tooltip_of(bar, timeline_)) + "</title><rect " + where +
              " fill=\"" + std::string(colour_of(bar.kind)) + "\"/>";
      if (!bar.kept) out_ += "<rect " + where + " fill=\"url(#hatch)\"/>";
      out_ += "</g>\n";
    }
  }

  void draw_marks(double bottom) {
    for (const auto& [mark, line] : marks_) {
      const double x = x_of(mark->at_s), y = kHeadHeight + 14 + 15 * line;
      out_ += "<g><title>" + escaped(mark->label + " at " + notation::long_duration(mark->at_s)) +
              "</title><line x1=\"" + number(x) + "\" y1=\"" + number(y + 3) + "\" x2=\"" +
              number(x) + "\" y2=\"" + number(bottom) +
              "\" stroke=\"#222222\" stroke-width=\"1.2\" stroke-dasharray=\"4 3\"/></g>\n";
      out_ += text_at(label_of(*mark).first, y, "font-size=\"11\"", shortened(mark->label, 40));
    }
  }

  void draw_legend(double y) {
    for (std::size_t kind = 0; kind < legend_.size(); ++kind) {
      const auto [x, line] = legend_[kind];
      const double base = y + kLegendLine * static_cast<double>(line);
      out_ += "<rect x=\"" + number(x) + "\" y=\"" + number(base - 6) +
              "\" width=\"12\" height=\"12\" fill=\"" + std::string(colour_of(kind)) + "\"/>\n";
      out_ += text_at(x + 17, base + 4, "", shortened(timeline_.kinds[kind], 32));
    }
    if (timeline_.kinds.size() > kLegendMost)
      out_ += text_at(left_, y + kLegendLine * static_cast<double>(legend_lines_ - 1) + 4,
                      "fill=\"#5a5a5a\"",
                      "and " + grouped(timeline_.kinds.size() - kLegendMost) +
                          " more; colours repeat, so see the tooltip of a bar");
  }

  struct LegendPlace {
    double x;
    std::size_t line;
  };

  const Timeline& timeline_;
  std::size_t rows_;
  double row_height_ = 20, left_ = 0, top_ = 0, end_s_ = 0;
  std::vector<Placed> marks_;
  std::size_t mark_lines_ = 0;
  std::vector<LegendPlace> legend_;
  std::size_t legend_lines_ = 0;
  std::string out_;
};

}  // namespace

std::string svg_of(const Timeline& timeline) { return Drawing(timeline).svg(); }

}  // namespace quern::cli
