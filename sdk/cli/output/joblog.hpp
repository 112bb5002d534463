// The log of `quern map --joblog`: a line per command in the columns that GNU parallel writes, so
// that its readers work. One thread.
#pragma once

#include <cstdint>
#include <fstream>
#include <map>
#include <set>
#include <string>

#include "quern/command.hpp"

namespace quern::cli {

/// Which commands of a previous run are skipped.
enum class Resume : unsigned char {
  no,
  all_but_logged,     ///< --resume: commands in the log are skipped, however they ended
  all_but_succeeded,  ///< --resume-failed: commands that failed are run again
};

/// The commands of a log that are skipped. A command is identified by its text, not by its number,
/// so that lines can be inserted into the input or removed from it. One thread.
class LoggedCommands {
 public:
  struct Found {
    bool done = false;
    std::string trouble;  ///< a message for the user
  };

  bool empty() const { return numbers_.empty(); }
  /// Whether this command is done. Each entry of the log counts for one command.
  Found take(std::uint64_t number, const std::string& command);

 private:
  friend class Joblog;
  void add(std::uint64_t number, std::string command);

  std::map<std::string, std::set<std::uint64_t>> numbers_;  // by command
  std::map<std::uint64_t, std::string> commands_;           // by number: the last one
  std::uint64_t cut_off_ = 0;  // the number of the command that a crash cut off; 0: none
  std::uint64_t told_ = 0;
};

class Joblog {
 public:
  /// Reads the existing log if the run is resumed, otherwise starts a new one. Throws FileError.
  Joblog(const std::string& file, Resume resume);

  /// Commands that are not to run again.
  const LoggedCommands& done() const { return done_; }
  /// Throws FileError when it cannot be written.
  void add(const CommandResult& result, const std::string& command);

 private:
  void read(Resume resume);

  std::string file_;
  LoggedCommands done_;
  bool cut_off_ = false;  // the last line was cut off by a crash
  std::ofstream out_;
};

}  // namespace quern::cli
