#include "cli/syntax/completion.hpp"

namespace quern::cli {
namespace {

constexpr char kZshHead[] = R"zsh(#compdef quern
# Completes `quern` in zsh; printed by `quern completion zsh`.

# What the broker lists, a name per line; nothing when it does not answer at once.
_quern_ask() {
  local -a where
  local name
  for name in --broker --keys; do
    [[ -n ${opt_args[$name]} ]] && where+=($name ${(Q)opt_args[$name]})
  done
  (( ${+opt_args[--insecure]} )) && where+=(--insecure)
  timeout 1 quern $1 --json $where 2>/dev/null
}

_quern_jobs() {
  local -a names
  names=(${(f)"$(_quern_ask jobs | sed -n 's/^{"job":\([0-9]*\),.*/\1/p')"})
  compadd -a names
}

_quern_workers() {
  local -a names
  names=(${(f)"$(_quern_ask workers | sed -n 's/^{"worker":"\([^"\\]*\)",.*/\1/p')"})
  compadd -a names
}

_quern_functions() {
  local -a names
  names=(${(f)"$(_quern_ask workers | grep -o '{"name":"[^"\\]*","takes"' | cut -d '"' -f 4 | sort -u)"})
  compadd -a names
}
)zsh";

/// Quotes text for single quotes, and escapes the `special` characters of _arguments and _describe.
std::string quoted(const std::string& text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (c == '\n')
      out += ' ';
    else if (c == '\'')
      out += "'\\''";
    else
      out += special.find(c) != std::string_view::npos ? std::string{'\\', c} : std::string{c};
  }
  return out;
}

constexpr std::string_view kOfSpecs = "\\[]:";

/// What completes the value of an option.
std::string action_of(const OptionText& option) {
  switch (value_of(option)) {
    case Value::file:
      return "_files";
    case Value::folder:
      return "_files -/";
    case Value::choice: {
      std::string words;
      for (const std::string& word : option.choices()) words += (words.empty() ? "" : " ") + word;
      return "(" + words + ")";
    }
    case Value::none:
    case Value::anything:
      break;
  }
  return "";
}

std::string spec_of(const OptionText& option) {
  const std::string about = "[" + quoted(option.about, kOfSpecs) + "]";
  std::string value;
  if (!option.value.empty()) value = ":" + quoted(option.value, kOfSpecs) + ":" + action_of(option);
  const std::string rest = "'" + about + value + "'";
  // '*' because an option may be repeated.
  if (option.letter.empty()) return "'*'" + option.name + rest;
  return "'*'{" + option.letter + "," + option.name + "}" + rest;
}

std::string word_spec(const Syntax& syntax) {
  const std::string which = syntax.most_words() > 1 ? "*" : "1";
  switch (syntax.word()) {
    case Word::job:
      return "'" + which + ":job:_quern_jobs'";
    case Word::worker:
      return "'" + which + ":worker:_quern_workers'";
    case Word::function:
      return "'" + which + ":function:_quern_functions'";
    case Word::shell:
      return "'1:shell:(bash zsh)'";
    case Word::command:
      return "'1:command:_quern_commands'";
    case Word::any:
      break;
  }
  return "'*:word:'";
}

std::string arguments_of(const Syntax& syntax, const std::string& indent) {
  std::string text = indent + "_arguments -s";
  for (const OptionText& option : all_options(syntax))
    text += " \\\n" + indent + "  " + spec_of(option);
  return text + " \\\n" + indent + "  " + word_spec(syntax) + " ;;\n";
}

std::string described(const std::string& function, std::span<const Subcommand> among) {
  std::string text = "\n" + function + "() {\n  local -a names\n  names=(\n";
  for (const Subcommand& command : among)
    text += "    '" + quoted(std::string(command.name), ":") + ":" +
            quoted(std::string(command.summary), "\\") + "'\n";
  return text + "  )\n  _describe command names\n}\n";
}

}  // namespace

std::string zsh_completion(std::span<const Subcommand> commands) {
  std::string functions, cases;
  for (const Subcommand& command : commands) {
    const Syntax syntax = command.syntax();
    const std::string name(command.name);
    if (syntax.actions().empty()) {
      cases += "    " + name + ")\n" + arguments_of(syntax, "      ");
      continue;
    }
    functions += described("_quern_" + name, syntax.actions());
    functions += "\n_quern_" + name + "_action() {\n  case $words[1] in\n";
    for (const Subcommand& action : syntax.actions())
      functions +=
          "    " + std::string(action.name) + ")\n" + arguments_of(action.syntax(), "      ");
    functions += "  esac\n}\n";
    cases += "    " + name +
             ")\n"
             "      _arguments -C '--help[print the options and examples]' '1:action:_quern_" +
             name + "' '*::argument:_quern_" + name + "_action' ;;\n";
  }
  return kZshHead + described("_quern_commands", commands) + functions +
         "\n_quern_argument() {\n  case $words[1] in\n    help)\n      _arguments "
         "'1:command:_quern_commands' ;;\n" +
         cases +
         "  esac\n"
         "}\n"
         "\n"
         "_quern() {\n"
         "  local curcontext=$curcontext state line\n"
         "  typeset -A opt_args\n"
         "  _arguments -C '(- *)--help[list the commands]' '(- *)--version[print the version]' "
         "'1:command:_quern_commands' '*::argument:_quern_argument'\n"
         "}\n"
         "\n"
         "_quern \"$@\"\n";
}

}  // namespace quern::cli
