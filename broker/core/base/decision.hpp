// How a job is run: decided once per job. See PROTOCOL.md, "Decision table".
#pragma once

#include <string>

#include "quern/status.hpp"

namespace quern::broker {

struct Decision {
  Takes takes = Takes::item;
  Encoding encoding = Encoding::raw;  ///< of the function's results
  bool divisible = false;
  bool finish = false;
  std::string reduce;    ///< the reducer that is used
  std::string sentence;  ///< for people: what was decided and why
};

}  // namespace quern::broker
