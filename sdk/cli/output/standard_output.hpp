// The only place that writes standard output, so that no lost byte goes unreported. Waits if the
// descriptor is non-blocking (it may be shared with a program that changed it). Any thread.
#pragma once

#include <memory>
#include <streambuf>
#include <string_view>

#include "cli/syntax/exit.hpp"

namespace quern::cli {

/// Writes everything. False if it cannot be written; output_error() gives the reason.
bool write_output(std::string_view text);
/// The errno of the first write that failed; 0: none did.
int output_error();

/// While it lives, std::cout is written this way. Construct in main.
class StandardOutput {
 public:
  StandardOutput();
  ~StandardOutput();
  StandardOutput(const StandardOutput&) = delete;
  StandardOutput& operator=(const StandardOutput&) = delete;

 private:
  std::unique_ptr<std::streambuf> buffer_;
  std::streambuf* before_;
};

/// Flushes std::cout and returns the exit code: `code`, or Exit::failed with a message if output
/// was lost and not reported yet. If the reader is gone, the process ends by SIGPIPE.
Exit finish_output(Exit code);

/// Ends the process silently by SIGPIPE, as tools do if their reader is gone.
[[noreturn]] void die_of_broken_pipe();

}  // namespace quern::cli
