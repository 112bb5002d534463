// Rows of text in aligned columns. Pure.
#pragma once

#include <string>
#include <string_view>
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

  /// One cell per column; control characters are shown as '?', so that no name moves the cursor of
  /// a terminal.
  void add(std::vector<std::string> cells);
  /// Title line and rows, each ended by a newline, without trailing blanks.
  std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// The same for any text of another party that is shown to a person. '?' stands for what moves the
/// cursor, turns the direction of text or is not seen, and for what is not UTF-8.
std::string printable(std::string_view text);
/// Columns a UTF-8 text takes, counting code points: near enough for names.
std::size_t width_of(std::string_view text);
/// The beginning of it that takes at most so many columns.
std::string cut(std::string text, std::size_t width);

}  // namespace quern::cli
