// `quern keys invite` and `quern keys join`: how a machine gets a key of its own.
#pragma once

#include "cli/syntax/subcommand.hpp"

namespace quern::cli {

Exit invite(const Arguments& arguments);
Exit join_here(const Arguments& arguments);
Syntax invite_syntax();
Syntax join_syntax();

}  // namespace quern::cli
