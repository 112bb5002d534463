#include "cli/output/shown_command.hpp"

#include <algorithm>

#include "cli/syntax/shell_words.hpp"
#include "notation/hex.hpp"

namespace quern::cli {

std::string shown_command(const Command& command, const std::vector<std::string>& arguments,
                          std::uint64_t number) {
  const std::vector<BytesView> views(arguments.begin(), arguments.end());
  if (command.words == std::vector<std::string>{"{}"} && arguments.size() == 1)
    return arguments.front();  // the line is the command
  if (command.words.size() == 1 && is_script(command.words.front()))
    return script_text(command.words.front(), views, number);
  return quoted(expand(command, views, number));
}

std::string on_one_line(const std::string& text) {
  const auto breaks = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::none_of(text.begin(), text.end(), breaks)) return text;
  std::string out = "sh -c $'";
  for (const char c : text) {
    if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (breaks(c))
      notation::append_hex(out += "\\x", static_cast<unsigned char>(c));
    else if (c == '\'' || c == '\\')
      (out += '\\') += c;
    else
      out += c;
  }
  return out + "'";
}

}  // namespace quern::cli
