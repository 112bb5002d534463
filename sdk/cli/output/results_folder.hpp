// `quern map --results DIR`: what each command wrote, in files, in the layout of GNU parallel:
// DIR/1/ARGUMENT/{stdout,stderr,seq}, and DIR/1/FIRST/2/SECOND/... for several arguments. One
// thread.
#pragma once

#include <string>

#include "quern/command.hpp"

namespace quern::cli {

class ResultsFolder {
 public:
  explicit ResultsFolder(std::string folder) : folder_(std::move(folder)) {}
  /// Throws FileError.
  void add(const CommandResult& result) const;

 private:
  std::string folder_;
};

/// An argument as the name of a folder: slashes and other characters that a name cannot contain are
/// escaped, and it is cut to the maximum length of a name.
std::string folder_name(const std::string& argument);

}  // namespace quern::cli
