#include "cli/output/table.hpp"

#include <algorithm>
#include <iterator>

#include "notation/utf8.hpp"

namespace quern::cli {
namespace {

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// The code point of one complete UTF-8 sequence.
char32_t code_point(std::string_view sequence) {
  const auto lead = static_cast<unsigned char>(sequence.front());
  if (sequence.size() == 1) return lead;
  char32_t point = lead & (0xFFu >> (sequence.size() + 1));
  for (const char c : sequence.substr(1))
    point = point << 6 | (static_cast<unsigned char>(c) & 0x3Fu);
  return point;
}

/// Whether a character is visible and does not affect others. False for control characters,
/// direction marks, characters without width (which hide differences), line separators, tags,
/// private use and non-characters.
bool is_shown(char32_t c) {
  struct Span {
    char32_t first, last;
  };
  static constexpr Span kHidden[] = {{0x0000, 0x001F},   {0x007F, 0x009F},   {0x00AD, 0x00AD},
                                     {0x034F, 0x034F},   {0x061C, 0x061C},   {0x115F, 0x1160},
                                     {0x17B4, 0x17B5},   {0x180B, 0x180F},   {0x200B, 0x200F},
                                     {0x2028, 0x202E},   {0x2060, 0x206F},   {0x3164, 0x3164},
                                     {0xE000, 0xF8FF},   {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},
                                     {0xFFA0, 0xFFA0},   {0xFFF0, 0xFFFB},   {0xFFFE, 0xFFFF},
                                     {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0x10FFFF}};
  return std::none_of(std::begin(kHidden), std::end(kHidden),
                      [c](const Span& span) { return c >= span.first && c <= span.last; });
}

void put_cell(std::string& line, const std::string& cell, std::size_t width, Align align) {
  const std::string padding(width - std::min(width, width_of(cell)), ' ');
  line += align == Align::right ? padding + cell : cell + padding;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = notation::sequence_length(text);
    const bool shown = length > 0 && is_shown(code_point(text.substr(0, length)));
    if (shown)
      out += text.substr(0, length);
    else
      out += '?';
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !continues(c); }));
}

std::string cut(std::string text, std::size_t width) {
  std::size_t end = 0;
  for (; end < text.size(); ++end)
    if (!continues(text[end]) && width-- == 0) break;
  text.resize(end);
  return text;
}

void Table::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (std::string& cell : cells) cell = printable(std::move(cell));
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  std::vector<std::string> titles;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = width_of(columns_[i].title);
    for (const auto& row : rows_) width = std::max(width, width_of(row[i]));
    widths.push_back(width);
    titles.push_back(columns_[i].title);
  }
  std::string text;
  const auto put_row = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line += "  ";
      put_cell(line, row[i], widths[i], columns_[i].align);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  };
  put_row(titles);
  for (const auto& row : rows_) put_row(row);
  return text;
}

}  // namespace quern::cli
