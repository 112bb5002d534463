// Shell scripts with replacement strings. Values are passed as parameters and referred to with the
// quoting that their position needs, so the shell never interprets them. A mistake of this quote
// parser could split a value into words, but never execute it.
#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "command/replacement.hpp"
#include "quern/command.hpp"

namespace quern {
namespace {

using command::Replacement;

/// The quoting that applies at a position of a script.
enum class Quoting : std::uint8_t { none, single, twice };

/// Follows the quotes of a script, also within $(...) and `...` inside double quotes.
class QuoteReader {
 public:
  Quoting now() const { return levels_.back().quoting; }

  /// Whether the next character makes the script more than one command or pipeline: `;`, `&`, `&&`,
  /// `||`, a newline or a subshell, outside quotes and substitutions.
  bool at_list(std::string_view rest) const {
    if (levels_.size() > 1 || now() != Quoting::none) return false;
    const char c = rest.front();
    const char next = rest.size() > 1 ? rest[1] : '\0';
    if (c == '&') return previous_ != '>' && previous_ != '<' && next != '>';  // 2>&1, &>file
    return c == ';' || c == '\n' || c == '(' || (c == '|' && next == '|');
  }

  /// Consumes the next character; returns how many characters it covers (2: a backslash and the
  /// quoted character).
  std::size_t take(std::string_view rest) {
    const std::size_t taken = step(rest);
    previous_ = rest[taken - 1];
    return taken;
  }

 private:
  std::size_t step(std::string_view rest) {
    const char c = rest.front();
    const char next = rest.size() > 1 ? rest[1] : '\0';
    Level& level = levels_.back();
    if (level.quoting == Quoting::single) {
      if (c == '\'') level.quoting = Quoting::none;
      return 1;
    }
    if (c == '\\') return next ? 2 : 1;
    if (c == '$' && next == '{') return 2;  // a variable: ${1} is not a replacement string
    if (c == '#' && level.quoting == Quoting::none && blank_before_)
      return std::min(rest.find('\n'), rest.size());  // a comment
    blank_before_ = c == ' ' || c == '\t' || c == '\n' || c == ';';
    if (c == '$' && next == '(') {
      levels_.push_back({Quoting::none, ')'});
      return 2;
    }
    if (c == '"') {
      level.quoting = level.quoting == Quoting::twice ? Quoting::none : Quoting::twice;
    } else if (c == '`') {
      if (level.closes_with == '`')
        levels_.pop_back();
      else
        levels_.push_back({Quoting::none, '`'});
    } else if (level.quoting == Quoting::none) {
      if (c == '\'') level.quoting = Quoting::single;
      if (c == '(') levels_.push_back({Quoting::none, ')'});
      if (c == ')' && level.closes_with == ')') levels_.pop_back();
    }
    return 1;
  }

  struct Level {
    Quoting quoting = Quoting::none;
    char closes_with = '\0';
  };
  std::vector<Level> levels_{Level{}};
  bool blank_before_ = true;
  char previous_ = '\0';
};

/// "{2.}": the word that becomes a parameter.
std::string word_of(const Replacement& replacement) {
  static constexpr const char* kInside[] = {"", ".", "/", "//", "/.", "#"};
  return "{" + (replacement.position ? std::to_string(replacement.position) : std::string()) +
         kInside[static_cast<std::size_t>(replacement.kind)] + "}";
}

/// Gives parameters their numbers while a script is rewritten.
class Parameters {
 public:
  explicit Parameters(std::uint64_t arguments) : several_(arguments > 1) {}

  /// The text that replaces the replacement string in the script.
  std::string refer(const Replacement& replacement, Quoting quoting) {
    const std::string word = word_of(replacement);
    const bool list =
        several_ && replacement.position == 0 && replacement.kind != Replacement::Kind::number;
    if (list) {
      if (!list_.empty() && list_ != word)
        throw std::invalid_argument("with several arguments, a script can contain one of " + list_ +
                                    " and " + word + ", not both");
      list_ = word;
      return quoting == Quoting::none ? "\"$@\"" : quoting == Quoting::twice ? "$*" : "'\"$*\"'";
    }
    const std::string name = "${_q" + std::to_string(number_of(word)) + "}";
    return quoting == Quoting::none    ? "\"" + name + "\""
           : quoting == Quoting::twice ? name
                                       : "'\"" + name + "\"'";
  }

  /// Assigns the parameters to variables, and leaves the rest in "$@".
  std::string prologue() const {
    std::string text;
    for (std::size_t i = 1; i <= single_.size(); ++i)
      text += "_q" + std::to_string(i) + "=${" + std::to_string(i) + "} ";
    if (!single_.empty()) text += "; shift " + std::to_string(single_.size()) + "\n";
    return text;
  }
  bool none() const { return single_.empty() && list_.empty(); }

  void append_to(std::vector<std::string>& words) const {
    words.insert(words.end(), single_.begin(), single_.end());
    if (!list_.empty()) words.push_back(list_);
  }

 private:
  std::size_t number_of(const std::string& word) {
    for (std::size_t i = 0; i < single_.size(); ++i)
      if (single_[i] == word) return i + 1;
    single_.push_back(word);
    return single_.size();
  }

  bool several_;
  std::vector<std::string> single_;
  std::string list_;
};

std::string within_single(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out;
}

std::string within_double(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\\"$`").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

/// The meaning of a replacement string.
std::vector<std::string> values_of(const Replacement& replacement,
                                   const std::vector<BytesView>& arguments, std::uint64_t number) {
  if (replacement.kind == Replacement::Kind::number) return {std::to_string(number)};
  std::vector<std::string> values;
  if (replacement.position != 0) {
    const auto index = command::index_of(replacement.position, arguments.size());
    values.emplace_back(index ? part_of(replacement.kind, arguments[*index]) : "");
  } else {
    for (const BytesView argument : arguments)
      values.emplace_back(part_of(replacement.kind, argument));
  }
  return values;
}

std::string in_place(const std::vector<std::string>& values, Quoting quoting) {
  std::string out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ' ';
    out += quoting == Quoting::none    ? shell_quoted(values[i])
           : quoting == Quoting::twice ? within_double(values[i])
                                       : within_single(values[i]);
  }
  return out;
}

/// Whether a script refers to its arguments itself: $1, "$@", ${2}, $*.
bool names_parameters(std::string_view script) {
  for (std::size_t at = script.find('$'); at != std::string_view::npos;
       at = script.find('$', at + 1)) {
    std::string_view name = script.substr(at + 1, 2);
    if (name.starts_with('{')) name.remove_prefix(1);
    if (!name.empty() && std::string_view("123456789@*#").find(name[0]) != std::string_view::npos)
      return true;
  }
  return false;
}

}  // namespace

std::vector<std::string> script_words(const std::string& script, std::uint64_t arguments) {
  Parameters parameters(arguments);
  QuoteReader quotes;
  std::string body;
  bool is_list = false;
  for (std::string_view rest = script; !rest.empty();) {
    if (const auto found = command::replacement_at(rest)) {
      body += parameters.refer(*found, quotes.now());
      rest.remove_prefix(found->length);
      continue;
    }
    is_list = is_list || quotes.at_list(rest);
    const std::size_t taken = quotes.take(rest);
    body += rest.substr(0, taken);
    rest.remove_prefix(taken);
  }
  // If the argument were appended to a list of commands, only the last command would get it, which
  // is often a syntax error (`done 1`). Therefore it is passed as $1.
  if (parameters.none() && is_list) return {"/bin/sh", "-c", script, "sh", "{}"};
  // In a script that ends with a comment, the argument becomes part of the comment, as with GNU
  // parallel.
  if (parameters.none()) body += " " + parameters.refer({}, Quoting::none);
  std::vector<std::string> words = {"/bin/sh", "-c", parameters.prologue() + body, "sh"};
  parameters.append_to(words);
  return words;
}

std::string shell_quoted(std::string_view word) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("_-./:=,@%+").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), plain)) return std::string(word);
  return "'" + within_single(word) + "'";
}

std::string script_text(const std::string& script, const std::vector<BytesView>& arguments,
                        std::uint64_t number) {
  QuoteReader quotes;
  std::string text;
  bool replaced = false, is_list = false;
  for (std::string_view rest = script; !rest.empty();) {
    if (const auto found = command::replacement_at(rest)) {
      const auto values = values_of(*found, arguments, number);
      text += in_place(values, quotes.now());
      replaced = true;
      rest.remove_prefix(found->length);
      continue;
    }
    is_list = is_list || quotes.at_list(rest);
    const std::size_t taken = quotes.take(rest);
    text += rest.substr(0, taken);
    rest.remove_prefix(taken);
  }
  if (replaced || arguments.empty()) return text;
  const std::string values = in_place(values_of({}, arguments, number), Quoting::none);
  if (!is_list) return text + " " + values;
  return names_parameters(script) ? "set -- " + values + "; " + text : text;
}

bool ignores_arguments(const std::string& script) {
  QuoteReader quotes;
  bool is_list = false;
  for (std::string_view rest = script; !rest.empty();) {
    if (command::replacement_at(rest)) return false;
    is_list = is_list || quotes.at_list(rest);
    rest.remove_prefix(quotes.take(rest));
  }
  return is_list && !names_parameters(script);
}

bool is_script(const std::string& word) {
  for (const auto& piece : command::pieces_of(word))
    if (piece.literal.find_first_of(" \t\n|&;<>()$`\\\"'*?[]#~!{}") != std::string_view::npos)
      return true;
  return false;
}

}  // namespace quern
