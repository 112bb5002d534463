// Rows of text in aligned columns that fit a given width: the least important columns are dropped.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "cli/output/table.hpp"

namespace quern::cli {

struct SheetColumn {
  std::string title;
  Align align = Align::left;
  unsigned rank = 0;  ///< if the sheet is too wide, the column with the highest value is dropped
                      ///< first; 0: never dropped
  std::size_t least =
      0;  ///< its cells may be cut to this many characters before a column is dropped; 0: never
};

class Sheet {
 public:
  explicit Sheet(std::vector<SheetColumn> columns) : columns_(std::move(columns)) {}

  /// One cell per column. Control characters are replaced.
  void add(std::vector<std::string> cells);
  std::size_t rows() const { return rows_.size(); }

  /// The title line and the first `most` rows, without trailing spaces, none wider than `width`.
  std::vector<std::string> lines(std::size_t width, std::size_t most) const;

 private:
  /// Width of each column; 0: it is left out.
  std::vector<std::size_t> fitted(std::size_t width, std::size_t rows) const;
  std::string line_of(const std::vector<std::string>& cells,
                      const std::vector<std::size_t>& widths) const;

  std::vector<SheetColumn> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace quern::cli
