#include "cli/output/sheet.hpp"

#include <algorithm>

namespace quern::cli {
namespace {

constexpr std::size_t kGap = 2;

std::size_t sum_of(const std::vector<std::size_t>& widths) {
  std::size_t sum = 0;
  for (const std::size_t width : widths) sum += width > 0 ? width + kGap : 0;
  return sum > 0 ? sum - kGap : 0;
}

}  // namespace

void Sheet::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (std::string& cell : cells) cell = printable(std::move(cell));
  rows_.push_back(std::move(cells));
}

std::vector<std::size_t> Sheet::fitted(std::size_t width, std::size_t rows) const {
  std::vector<std::size_t> natural(columns_.size());
  std::vector<std::size_t> least(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    bool any = columns_[i].rank == 0;
    natural[i] = width_of(columns_[i].title);
    for (std::size_t row = 0; row < rows; ++row) {
      natural[i] = std::max(natural[i], width_of(rows_[row][i]));
      any = any || !rows_[row][i].empty();
    }
    if (!any) natural[i] = 0;  // an empty column needs no space
    least[i] = columns_[i].least > 0 ? std::min(natural[i], columns_[i].least) : natural[i];
  }
  // Drops columns until the remaining ones fit when they are cut to their minimum.
  while (sum_of(least) > width) {
    std::size_t leaves = columns_.size();
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (least[i] > 0 && columns_[i].rank > (leaves < columns_.size() ? columns_[leaves].rank : 0))
        leaves = i;
    if (leaves == columns_.size()) break;
    natural[leaves] = least[leaves] = 0;
  }
  // The remaining width goes to the columns that were cut, from left to right.
  std::size_t spare = width - std::min(width, sum_of(least));
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const std::size_t more = std::min(spare, natural[i] - least[i]);
    least[i] += more;
    spare -= more;
  }
  return least;
}

std::string Sheet::line_of(const std::vector<std::string>& cells,
                           const std::vector<std::size_t>& widths) const {
  std::string line;
  bool first = true;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (widths[i] == 0) continue;
    if (!first) line += std::string(kGap, ' ');
    first = false;
    const std::string cell = cut(cells[i], widths[i]);
    const std::string padding(widths[i] - width_of(cell), ' ');
    line += columns_[i].align == Align::right ? padding + cell : cell + padding;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

std::vector<std::string> Sheet::lines(std::size_t width, std::size_t most) const {
  const std::size_t shown = std::min(most, rows_.size());
  const auto widths = fitted(width, shown);
  std::vector<std::string> titles;
  for (const SheetColumn& column : columns_) titles.push_back(column.title);
  std::vector<std::string> lines{cut(line_of(titles, widths), width)};
  for (std::size_t row = 0; row < shown; ++row)
    lines.push_back(cut(line_of(rows_[row], widths), width));
  return lines;
}

}  // namespace quern::cli
