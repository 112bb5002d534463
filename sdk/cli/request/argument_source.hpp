// Where the arguments of `quern map` come from: records of files, or lists on the command line;
// several at a time if wanted. One thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/request/records.hpp"

namespace quern::cli {

class ArgumentSource {
 public:
  virtual ~ArgumentSource() = default;
  /// The arguments of the next command; false after the last. Throws FileError.
  virtual bool next(std::vector<std::string>& arguments) = 0;
};

/// Records, `group` of them for each command (the last may get fewer).
std::unique_ptr<ArgumentSource> arguments_of(std::unique_ptr<Records> records, std::size_t group);
/// Lists after `:::`: of one list, each command gets `group` values; of several, each combination
/// is a command. A `linked` list advances together with the one before it, and both end with the
/// shorter one.
std::unique_ptr<ArgumentSource> arguments_of(std::vector<std::vector<std::string>> lists,
                                             std::size_t group, std::vector<bool> linked = {});

}  // namespace quern::cli
