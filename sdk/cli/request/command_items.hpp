// Commands as JSON objects, one per line: {"args": [...], "env": {...}, "cwd": "...", "stdin":
// "...", "cost": 2, "require": {...}}.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "quern/input.hpp"

namespace quern::cli {

/// Commands that require the same of their worker.
struct CommandGroup {
  std::map<std::string, std::string> require;
  Items items;
};

struct CommandItems {
  std::vector<CommandGroup> groups;
  std::vector<std::size_t> order;  ///< the group of each command, in the order of the input
  std::vector<std::vector<std::string>> arguments;  ///< of each command
};

/// Reads a whole file ("-": standard input). Throws FileError, which names the line, if a line is
/// not such an object.
CommandItems command_items_in(const std::string& file);

}  // namespace quern::cli
