// What `--json` prints: the JSON of sdk/json under the names that the command line uses.
#pragma once

#include "json/json.hpp"

namespace quern::cli {

using json::append_result;
using json::append_string;
using json::Json;
using json::line_of;
using json::to_json;

}  // namespace quern::cli
