#include "cli/table.hpp"

#include <algorithm>

namespace quern::cli {
namespace {

/// Columns a UTF-8 text takes, counting code points: near enough for names.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

void put_cell(std::string& line, const std::string& cell, std::size_t width, Align align) {
  const std::string padding(width - std::min(width, width_of(cell)), ' ');
  line += align == Align::right ? padding + cell : cell + padding;
}

}  // namespace

std::string printable(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
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
