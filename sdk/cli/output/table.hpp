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
  /// Title line and rows, each ending with a newline, without trailing spaces.
  std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// The same for any untrusted text that is shown to a person: '?' replaces what would move the
/// cursor, change the direction of text or be invisible, and what is not UTF-8.
std::string printable(std::string_view text);
/// Number of columns of a UTF-8 text, counted in code points, which is accurate enough for names.
std::size_t width_of(std::string_view text);
/// The longest beginning of the text that fits this many columns.
std::string cut(std::string text, std::size_t width);

}  // namespace quern::cli
