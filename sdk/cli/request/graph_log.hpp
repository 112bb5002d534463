// Which commands of a graph have succeeded: a file beside the graph, with a line `KEY NAME` per
// command, and a line `0 job:UUID` for the job that runs them. One thread.
#pragma once

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "cli/request/graph_file.hpp"
#include "quern/ids.hpp"

namespace quern::cli {

class GraphLog {
 public:
  /// Reads the file, and drops what does not hold any more: commands that have changed, or need one
  /// that has to run again. Throws FileError, also if it is something else than a file. `again`:
  /// everything has to run.
  GraphLog(const std::string& file, const std::vector<GraphNode>& nodes, bool again);
  ~GraphLog();
  GraphLog(const GraphLog&) = delete;
  GraphLog& operator=(const GraphLog&) = delete;

  /// Whether the command of this node need not run.
  bool is_done(std::size_t node) const { return done_[node]; }
  std::size_t done() const;
  /// The job that ran the commands the last time.
  const std::optional<Uuid>& job() const { return job_; }
  /// Writes the file anew, before the first command runs, and keeps others from doing the same.
  /// Throws FileError, also if another process does so.
  void begin();
  /// This job runs the commands. Throws FileError.
  void note_job(Uuid job);
  /// The command has succeeded. Throws FileError.
  void add(std::size_t node);

 private:
  void lock();
  void write(std::ostream& out, std::size_t node) const;
  [[noreturn]] void fail() const;

  std::string file_;
  const std::vector<GraphNode>& nodes_;
  std::vector<bool> done_;
  std::optional<Uuid> job_;
  std::ofstream out_;
  int locked_ = -1;  ///< the file as it was found, and as it was written anew; a descriptor
  int fresh_ = -1;
};

}  // namespace quern::cli
