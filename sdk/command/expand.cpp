// From a command and its arguments to the words of one program.
#include <algorithm>

#include "command/replacement.hpp"
#include "quern/command.hpp"

namespace quern {
namespace {

using command::Piece;
using command::Replacement;

/// The text of a replacement; several arguments are separated by spaces.
void append(std::string& out, const Replacement& replacement,
            const std::vector<BytesView>& arguments, std::uint64_t number) {
  if (replacement.kind == Replacement::Kind::number) {
    out += std::to_string(number);
  } else if (replacement.position != 0) {
    if (const auto index = command::index_of(replacement.position, arguments.size()))
      out += part_of(replacement.kind, arguments[*index]);
  } else {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      if (i > 0) out += ' ';
      out += part_of(replacement.kind, arguments[i]);
    }
  }
}

/// Escapes the characters that are special in a pattern.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("*?[]\\").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

bool is_list(const std::vector<Piece>& pieces) {
  if (pieces.size() != 1 || !pieces[0].replacement) return false;
  return pieces[0].replacement->position == 0 &&
         pieces[0].replacement->kind != Replacement::Kind::number;
}

}  // namespace

bool has_replacement(std::string_view word) {
  const auto pieces = command::pieces_of(word);
  return std::any_of(pieces.begin(), pieces.end(),
                     [](const Piece& piece) { return piece.replacement.has_value(); });
}

std::string foreign_replacement(std::string_view word) {
  for (std::size_t at = 0; at < word.size(); ++at)
    if (word[at] == '{' && (at == 0 || word[at - 1] != '$'))
      if (const auto found = command::foreign_replacement_at(word.substr(at)); !found.empty())
        return std::string(found);
  return {};
}

bool stays_within(std::string_view name) {
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t end = std::min(name.find('/', at), name.size());
    const std::string_view part = name.substr(at, end - at);
    if (part.empty() || part == "." || part == "..") return false;
    at = end + 1;
  }
  return name.find('\0') == std::string_view::npos;
}

std::string expand_word(std::string_view word, const std::vector<BytesView>& arguments,
                        std::uint64_t number) {
  std::string text;
  for (const Piece& piece : command::pieces_of(word)) {
    if (piece.replacement)
      append(text, *piece.replacement, arguments, number);
    else
      text += piece.literal;
  }
  return text;
}

std::string expand_pattern(std::string_view word, const std::vector<BytesView>& arguments,
                           std::uint64_t number) {
  std::string pattern;
  for (const Piece& piece : command::pieces_of(word)) {
    std::string text;
    if (piece.replacement) append(text, *piece.replacement, arguments, number);
    pattern += piece.replacement ? escaped(text) : std::string(piece.literal);
  }
  return pattern;
}

std::vector<std::string> expand(const Command& command, const std::vector<BytesView>& arguments,
                                std::uint64_t number) {
  std::vector<std::string> words;
  bool replaced = false;
  for (const std::string& word : command.words) {
    const auto pieces = command::pieces_of(word);
    if (is_list(pieces)) {
      for (const BytesView argument : arguments)
        words.emplace_back(part_of(pieces[0].replacement->kind, argument));
      replaced = true;
      continue;
    }
    replaced = replaced || has_replacement(word);
    words.push_back(expand_word(word, arguments, number));
  }
  if (!replaced)
    for (const BytesView argument : arguments) words.emplace_back(argument);
  return words;
}

}  // namespace quern
