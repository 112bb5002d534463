// Which commands of a graph have succeeded: a file beside the graph, with a line `KEY NAME` per
// command. One thread.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "cli/request/graph_file.hpp"

namespace quern::cli {

class GraphLog {
 public:
  /// Reads the file, and drops what does not hold any more: commands that have changed, or need one
  /// that has to run again. Throws FileError. `again`: everything has to run.
  GraphLog(std::string file, const std::vector<GraphNode>& nodes, bool again);

  /// Whether the command of this node need not run.
  bool is_done(std::size_t node) const { return done_[node]; }
  std::size_t done() const;
  /// Writes the file anew, before the first command runs. Throws FileError.
  void begin();
  /// The command has succeeded. Throws FileError.
  void add(std::size_t node);

 private:
  void write(std::ostream& out, std::size_t node) const;
  [[noreturn]] void fail() const;

  std::string file_;
  const std::vector<GraphNode>& nodes_;
  std::vector<bool> done_;
  std::ofstream out_;
};

}  // namespace quern::cli
