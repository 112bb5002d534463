#include "cli/syntax/shell_words.hpp"

#include "quern/command.hpp"

namespace quern::cli {

std::string quoted(const std::string& word) { return shell_quoted(word); }

std::string quoted(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : " ") + quoted(word);
  return out;
}

}  // namespace quern::cli
