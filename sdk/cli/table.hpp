// Rows of text in aligned columns. Pure.
#pragma once

#include <string>
#include <vector>

namespace quern::cli {

enum class Align : unsigned char { left, right };

struct Column {
  std::string title;
  Align align = Align::left;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// One cell per column; control characters are shown as '?', so that no name moves the cursor of a
  /// terminal.
  void add(std::vector<std::string> cells);
  /// Title line and rows, each ended by a newline, without trailing blanks.
  std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// The same for any text of another party that is shown on a terminal.
std::string printable(std::string text);

}  // namespace quern::cli
