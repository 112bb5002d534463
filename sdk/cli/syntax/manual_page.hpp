// Pages of the manual in roff, with the macros of man(7), generated from the same data as `--help`.
// Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/syntax/subcommand.hpp"

namespace quern::cli {

/// quern(1): all commands.
std::string overview_page(std::span<const Subcommand> commands);
/// quern-NAME(1): a command, with its actions if it has some.
std::string command_page(const Subcommand& command);
/// The page of another program, from the output of its --help: a usage line, paragraphs, `Options:`
/// as Boost.Program_options lays them out, `Examples:`.
std::string program_page(std::string_view name, std::string_view summary, std::string_view help);

}  // namespace quern::cli
