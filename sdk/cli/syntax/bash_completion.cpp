#include <map>

#include "cli/syntax/completion.hpp"

namespace quern::cli {
namespace {

// The part that is the same for all commands. Names of workers and functions are untrusted: they
// never pass through `compgen -W`, which would run a $(command) in them.
constexpr char kBashHead[] = R"bash(# Completes `quern` in bash; printed by `quern completion bash`.

# What the broker lists, a name per line; nothing when it does not answer at once.
_quern_ask() {
  timeout 1 "${words[0]}" "$1" --json "${where[@]}" 2>/dev/null | sed -n "$2"
}

_quern_offer() {
  local name
  while IFS= read -r name; do
    [[ -n $name && $name == "$cur"* ]] && COMPREPLY+=("$(printf %q "$name")")
  done
}

_quern_literally() {
  local name
  for name in $1; do
    [[ $name == "$cur"* ]] && COMPREPLY+=("$name")
  done
}

_quern_files() {
  local name
  compopt -o filenames 2>/dev/null
  while IFS= read -r name; do
    COMPREPLY+=("$name")
  done < <(compgen "$1" -- "$cur")
}

_quern() {
  local words=() where=() word cur option near path options values i glue=
  COMPREPLY=()
  # Words as they were typed: readline also cuts them at = and :.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if ((i > 0)) && [[ $glue || $word =~ ^[:=]+$ ]]; then
      words[${#words[@]} - 1]+=$word
    else
      words+=("$word")
    fi
    [[ $word =~ ^[:=]+$ ]] && glue=yes || glue=
  done
  local last=$((${#words[@]} - 1))
  cur=${words[last]}
  # The option whose value is wanted: the word before, or the one in --option=value.
  option='' near=''
  if [[ $cur == --*=* ]]; then
    option=${cur%%=*} near=$option cur=${cur#*=}
  else
    ((last > 1)) && [[ ${words[last - 1]} == -* ]] && option=${words[last - 1]}
    for ((i = last - 1; i > 1; i--)); do
      [[ ${words[i]} == -* ]] && near=${words[i]} && break
    done
  fi
  # How the broker of this command line is reached.
  for ((i = 2; i < last; i++)); do
    case ${words[i]} in
      --broker | --keys) ((i + 1 < last)) && where+=("${words[i]}" "${words[i + 1]}") ;;
      --broker=* | --keys=* | --insecure) where+=("${words[i]}") ;;
    esac
  done
)bash";

constexpr char kTail[] = R"bash(
  # A value of an option, an option, or a word.
  if [[ $values == none ]]; then
    return
  elif [[ $values == file ]]; then
    _quern_files -f
  elif [[ $values == folder ]]; then
    _quern_files -d
  elif [[ $values ]]; then
    _quern_literally "$values"
  elif [[ $cur == -* ]]; then
    _quern_literally "$options"
  else
    case $word in
      job) _quern_offer < <(_quern_ask jobs 's/^{"job":\([0-9]*\),.*/\1/p') ;;
      worker) _quern_offer < <(_quern_ask workers 's/^{"worker":"\([^"\\]*\)",.*/\1/p') ;;
      function)
        _quern_offer < <(_quern_ask workers p | grep -o '{"name":"[^"\\]*","takes"' | cut -d '"' -f 4 | sort -u) ;;
      ?*) _quern_literally "$word" ;;
    esac
  fi
  # Of a word with a colon readline replaces what is behind it.
  if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
    for i in "${!COMPREPLY[@]}"; do
      COMPREPLY[i]=${COMPREPLY[i]#"${cur%"${cur##*:}"}"}
    done
  fi
}

complete -F _quern quern
)bash";

std::string joined(const std::vector<std::string>& words, const char* between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

std::vector<std::string> names_of(std::span<const Subcommand> among) {
  std::vector<std::string> names;
  for (const Subcommand& command : among) names.emplace_back(command.name);
  return names;
}

std::string word_of(const Syntax& syntax, std::span<const Subcommand> commands) {
  switch (syntax.word()) {
    case Word::job:
      return "job";
    case Word::worker:
      return "worker";
    case Word::function:
      return "function";
    case Word::shell:
      return "'bash zsh'";
    case Word::command:
      return "'" + joined(names_of(commands), " ") + "'";
    case Word::any:
      break;
  }
  return "''";
}

/// The word for `values` in the script; empty for a flag.
std::string values_of(const OptionText& option) {
  switch (value_of(option)) {
    case Value::none:
      return "";
    case Value::anything:
      return "none";
    case Value::file:
      return "file";
    case Value::folder:
      return "folder";
    case Value::choice:
      return joined(option.choices(), " ");
  }
  return "";
}

/// The case of one command: its options, their values and its words.
std::string case_of(const std::string& path, const Syntax& syntax,
                    std::span<const Subcommand> commands) {
  std::vector<std::string> names;
  std::map<std::string, std::vector<std::string>> by_values;
  std::string many;
  for (const OptionText& option : all_options(syntax)) {
    names.push_back(option.name);
    const std::string values = values_of(option);
    if (values.empty()) continue;
    by_values[values].push_back(option.name);
    if (!option.letter.empty()) by_values[values].push_back(option.letter);
    if (option.many)
      many += "      [[ $near == " + option.name + " ]] && values='" + values + "'\n";
  }
  std::string text = "    '" + path + "')\n      options='" + joined(names, " ") +
                     "'\n      word=" + word_of(syntax, commands) + "\n" + many;
  text += "      case $option in\n";
  for (const auto& [values, options] : by_values)
    text += "        " + joined(options, " | ") + ") values='" + values + "' ;;\n";
  return text + "      esac ;;\n";
}

}  // namespace

std::string bash_completion(std::span<const Subcommand> commands) {
  const std::string all = joined(names_of(commands), " ");
  std::vector<std::string> families;
  std::string cases;
  for (const Subcommand& command : commands) {
    const Syntax syntax = command.syntax();
    const std::string name(command.name);
    if (syntax.actions().empty()) {
      cases += case_of(name, syntax, commands);
      continue;
    }
    families.push_back(name);
    cases += "    '" + name + "') word='" + joined(names_of(syntax.actions()), " ") +
             "' options=--help ;;\n";
    for (const Subcommand& action : syntax.actions())
      cases += case_of(name + " " + std::string(action.name), action.syntax(), commands);
  }
  std::string text = kBashHead;
  text += "  path=${words[1]} options='' values='' word=''\n";
  text += "  ((last < 2)) && path=\n";
  if (!families.empty())
    text += "  case $path in\n    " + joined(families, " | ") +
            ") ((last > 2)) && path+=\" ${words[2]}\" ;;\n  esac\n";
  text += "  case $path in\n    '') word='" + all +
          " help' options='--help --version' ;;\n    'help') word='" + all + "' ;;\n" + cases +
          "  esac\n";
  return text + kTail;
}

}  // namespace quern::cli
