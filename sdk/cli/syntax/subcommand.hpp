// The interface of a subcommand: its name, what it accepts, and the function that runs it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/syntax/exit.hpp"

namespace quern::cli {

class Syntax;  // options.hpp

/// What follows the subcommand's name.
using Arguments = std::vector<std::string>;

/// A subcommand, or an action of one (`quern keys add`).
struct Subcommand {
  std::string_view name;
  std::string_view summary;  ///< one line for `quern help`
  Exit (*run)(const Arguments&);
  Syntax (*syntax)();  ///< what it accepts, from which help, completion and manual are made
};

/// The one of that name, or nullptr.
const Subcommand* find_command(std::span<const Subcommand> among, std::string_view name);

}  // namespace quern::cli
