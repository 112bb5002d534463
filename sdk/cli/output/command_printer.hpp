// Prints what commands wrote: standard output to standard output, standard error to standard error,
// without mixing the outputs of commands; or an object per command. One thread.
#pragma once

#include <optional>

#include "cli/output/console.hpp"
#include "cli/output/output.hpp"
#include "quern/command.hpp"

namespace quern::cli {

struct CommandFormat {
  bool json = false;
  bool tag = false;  ///< each line begins with the arguments and a tab
};

class CommandPrinter {
 public:
  CommandPrinter(CommandFormat format, Output& output, Console& console)
      : format_(format), output_(output), console_(console) {}

  /// False if the reader of standard output is gone. `trouble`: why it failed, if it did.
  bool print(const CommandResult& result, const std::string& trouble = {});
  /// A command that has no output, because it never ran to its end.
  bool print_lost(std::uint64_t number, const std::string& code, const std::string& trouble);

 private:
  CommandFormat format_;
  Output& output_;
  Console& console_;
};

/// `text` with `tag` and a tab before each line. Pure.
std::string tagged(const std::string& text, const std::string& tag);
/// One object and a newline. Pure.
std::string json_line(const CommandResult& result, const std::string& trouble);

}  // namespace quern::cli
