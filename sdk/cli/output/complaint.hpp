// The message of a command that cannot continue: one line, with advice.
#pragma once

#include <exception>
#include <string>

#include "cli/syntax/exit.hpp"

namespace quern::cli {

struct Complaint {
  Exit code = Exit::failed;
  std::string text;
};

/// For an exception that a command threw. `command`: for example "run", to refer to its help.
Complaint complaint_of(const std::exception& error, const std::string& command);

}  // namespace quern::cli
