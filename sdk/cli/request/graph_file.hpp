// A file of commands that need each other: a line `NAME [NEEDS...] : COMMAND` per command. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace quern::cli {

struct GraphNode {
  std::string name;
  std::vector<std::uint32_t> needs;  ///< nodes before this one in the list
  std::string command;
  /// Identifies the command together with everything that it needs, directly or not.
  std::uint64_t key = 0;
};

/// The nodes in an order in which each needs only earlier ones; otherwise in the order of the
/// lines. Lines may come in any order. Blank lines and lines that begin with # are skipped; a line
/// that ends with \ goes on in the next one. Throws FileError, which names `file` and the line.
std::vector<GraphNode> graph_in(const std::string& text, const std::string& file);

}  // namespace quern::cli
