// A job that is described now and submitted later: what `quern run` would submit.
#pragma once

#include <string>

#include "quern/input.hpp"
#include "quern/options.hpp"

namespace quern::cli {

struct JobTemplate {
  std::string function;
  Input input;
  SubmitOptions submit;
};

}  // namespace quern::cli
