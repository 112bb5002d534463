#include "cli/syntax/paragraphs.hpp"

#include <algorithm>

namespace quern::cli {

std::string wrapped(std::string_view text, std::size_t columns) {
  std::string out;
  std::size_t column = 0;
  std::size_t newlines = 0;  // since the last word
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == ' ' || text[at] == '\n') {
      newlines += text[at] == '\n' ? 1 : 0;
      ++at;
      continue;
    }
    const std::size_t end = std::min(text.find_first_of(" \n", at), text.size());
    const std::string_view word = text.substr(at, end - at);
    if (!out.empty()) {
      const bool paragraph = newlines > 1;
      const bool line = paragraph || column + 1 + word.size() > columns;
      out += paragraph ? "\n\n" : line ? "\n" : " ";
      column = line ? 0 : column + 1;
    }
    out += word;
    column += word.size();
    newlines = 0;
    at = end;
  }
  return out;
}

}  // namespace quern::cli
