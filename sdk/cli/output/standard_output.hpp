// Standard output: the one place where it is written, so that no octet is lost without a word. A
// descriptor that is non-blocking (it may be shared with a program that made it so) is waited for.
// Any thread.
#pragma once

#include <memory>
#include <streambuf>
#include <string_view>

#include "cli/syntax/exit.hpp"

namespace quern::cli {

/// All of it. False when it cannot be written; output_error() is then why.
bool write_output(std::string_view text);
/// The errno of the first write that failed; 0: none did.
int output_error();

/// As long as it lives std::cout is written so. Construct in main.
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

/// Writes what std::cout holds back, and tells how the process ends: as `code`, or, when output was
/// lost that nobody told of yet, with a message and Exit::failed; by SIGPIPE when its reader went
/// away.
Exit finish_output(Exit code);

/// Ends the process as tools do whose reader went away: by SIGPIPE, without a word.
[[noreturn]] void die_of_broken_pipe();

}  // namespace quern::cli
