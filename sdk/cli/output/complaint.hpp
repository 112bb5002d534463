// What is said when a command cannot go on: one line, with what to do next.
#pragma once

#include <exception>
#include <string>

#include "cli/syntax/exit.hpp"

namespace quern::cli {

struct Complaint {
  Exit code = Exit::failed;
  std::string text;
};

/// Of an exception that a command threw. `command`: "run", for a hint on its help.
Complaint complaint_of(const std::exception& error, const std::string& command);

}  // namespace quern::cli
