// Rows of text in aligned columns that fit a given width: what matters least is left out. Pure.
#pragma once

#include <string>
#include <vector>

#include "cli/output/table.hpp"

namespace quern::cli {

struct SheetColumn {
  std::string title;
  Align align = Align::left;
  unsigned rank =
      0;  ///< when it is too wide, the column with the highest leaves first; 0: it stays
  std::size_t least =
      0;  ///< its cells may be cut to so many characters before a column leaves; 0: never
};

class Sheet {
 public:
  explicit Sheet(std::vector<SheetColumn> columns) : columns_(std::move(columns)) {}

  /// One cell per column. Control characters of others do not get through.
  void add(std::vector<std::string> cells);
  std::size_t rows() const { return rows_.size(); }

  /// The title line and the first `most` rows, without trailing blanks, none wider than `width`.
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
