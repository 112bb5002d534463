// A command of `quern map` as a person would type it: what --dry-run prints and --joblog keeps.
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "quern/command.hpp"

namespace quern::cli {

/// `command`: as it was written, with its replacement strings. Pasted into a shell the text runs
/// what was run.
std::string shown_command(const Command& command, const std::vector<std::string>& arguments,
                          std::uint64_t number);

/// The same on one line and without tabs, for a log. Text that has newlines needs a shell that
/// knows $'...' (bash, zsh, ksh).
std::string on_one_line(const std::string& text);

}  // namespace quern::cli
