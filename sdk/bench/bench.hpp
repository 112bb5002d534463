// The benches; each parses its own options.
#pragma once

#include "cli/commands/command.hpp"

namespace quern::bench {

cli::Exit throughput(const cli::Arguments& arguments);
cli::Exit latency(const cli::Arguments& arguments);
cli::Syntax throughput_syntax();
cli::Syntax latency_syntax();

}  // namespace quern::bench
