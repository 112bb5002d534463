// Scripts that complete command lines of `quern`, made from the syntax of the commands. Pure.
#pragma once

#include <span>
#include <string>

#include "cli/syntax/options.hpp"
#include "cli/syntax/subcommand.hpp"

namespace quern::cli {

/// How the value of an option is completed.
enum class Value : unsigned char { none, anything, file, folder, choice };
Value value_of(const OptionText& option);

/// The options of a command, including the common ones.
std::vector<OptionText> all_options(const Syntax& syntax);

std::string bash_completion(std::span<const Subcommand> commands);
std::string zsh_completion(std::span<const Subcommand> commands);

}  // namespace quern::cli
