// `quern completion`: prints a script for a shell.
#include "cli/syntax/completion.hpp"

#include <iostream>

namespace quern::cli {
namespace {

constexpr Manual kCompletionManual = {
    "quern completion bash|zsh",
    "Prints a script that lets the shell complete commands, options, their values, files, and what "
    "the broker, if it answers within a second, knows: jobs, workers, functions. An installed "
    "Quern has both scripts where "
    "the shells look for them.",
    "  source <(quern completion bash)\n"
    "  quern completion bash > ~/.local/share/bash-completion/completions/quern\n"
    "  quern completion zsh > ~/.zfunc/_quern        if ~/.zfunc is in $fpath\n"};

}  // namespace

Value value_of(const OptionText& option) {
  if (option.value.empty()) return Value::none;
  if (!option.choices().empty()) return Value::choice;
  if (option.value.starts_with("FILE")) return Value::file;
  return option.value == "DIR" ? Value::folder : Value::anything;
}

std::vector<OptionText> all_options(const Syntax& syntax) {
  auto options = syntax.options();
  for (OptionText& each : Syntax::common_options()) options.push_back(std::move(each));
  return options;
}

Syntax completion_syntax() {
  Syntax syntax(kCompletionManual);
  syntax.words(1, 1, "the name of a shell, bash or zsh", Word::shell);
  return syntax;
}

Exit completion(const Arguments& arguments) {
  const auto given = completion_syntax().parse(arguments);
  if (!given) return Exit::done;
  const std::string shell = given->words().front();
  if (shell != "bash" && shell != "zsh")
    throw UsageError("there are scripts for bash and zsh, not for '" + shell + "'");
  std::cout << (shell == "bash" ? bash_completion(commands()) : zsh_completion(commands()));
  return Exit::done;
}

}  // namespace quern::cli
