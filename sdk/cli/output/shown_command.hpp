// A command of `quern map` as a person would type it: what --dry-run prints and --joblog keeps.
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "quern/command.hpp"

namespace quern::cli {

/// `command`: as the user wrote it, with its replacement strings. Pasted into a shell, the text
/// runs the same command.
std::string shown_command(const Command& command, const std::vector<std::string>& arguments,
                          std::uint64_t number);

/// The same on one line and without tabs, for a log. Text with newlines needs a shell that supports
/// $'...' (bash, zsh, ksh).
std::string on_one_line(const std::string& text);

}  // namespace quern::cli
