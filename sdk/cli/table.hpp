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

  /// One cell per column; control characters are shown as '?', so that no name moves the cursor of a
  /// terminal.
  void add(std::vector<std::string> cells);
  /// Title line and rows, each ended by a newline, without trailing blanks.
  std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// The same for any text of another party that is shown on a terminal: no control character of ASCII or of
/// Unicode (U+0080 to U+009F, some of which begin sequences as ESC does) is left.
std::string printable(std::string text);
/// Columns a UTF-8 text takes, counting code points: near enough for names.
std::size_t width_of(std::string_view text);
/// The beginning of it that takes at most so many columns.
std::string cut(std::string text, std::size_t width);

}  // namespace quern::cli
