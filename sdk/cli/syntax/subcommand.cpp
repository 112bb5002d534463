#include "cli/syntax/subcommand.hpp"

#include <algorithm>

namespace quern::cli {

const Subcommand* find_command(std::span<const Subcommand> among, std::string_view name) {
  const auto found = std::find_if(among.begin(), among.end(),
                                  [&](const Subcommand& command) { return command.name == name; });
  return found == among.end() ? nullptr : &*found;
}

}  // namespace quern::cli
