// The log of `quern map --joblog`: a line per command in the columns that GNU parallel writes, so that its readers work. One thread.
#pragma once

#include <cstdint>
#include <fstream>
#include <set>
#include <string>

#include "quern/command.hpp"

namespace quern::cli {

/// Which commands a run before has done.
enum class Resume : unsigned char {
  no,
  all_but_logged,   ///< --resume: those in the log are not run again, however they ended
  all_but_succeeded,  ///< --resume-failed: those that failed are
};

class Joblog {
 public:
  /// Reads what is there when that is to be gone on with, otherwise begins anew. Throws FileError.
  Joblog(const std::string& file, Resume resume);

  /// Numbers of commands that are not to run again.
  const std::set<std::uint64_t>& done() const { return done_; }
  /// Throws FileError when it cannot be written.
  void add(const CommandResult& result, const std::string& command);

 private:
  void read(Resume resume);

  std::string file_;
  std::set<std::uint64_t> done_;
  bool cut_off_ = false;  // the last line was, by a crash
  std::ofstream out_;
};

}  // namespace quern::cli
