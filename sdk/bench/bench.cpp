// `quern bench throughput | latency`.
#include "bench/bench.hpp"

#include <iostream>

#include "cli/process/cluster.hpp"
#include "cli/syntax/options.hpp"

namespace quern::cli {
namespace {

constexpr Manual kBenchManual = {
    "quern bench throughput | latency [OPTIONS]",
    "Measures no-op tasks, and bare libzmq with the same bytes in the same run. Without --broker "
    "and QUERN_BROKER, it starts a broker and a worker of its own. `quern bench throughput --help` "
    "shows the options.",
    "  quern bench throughput\n"
    "  quern bench throughput --mode single --tasks 200000 --json\n"
    "  quern bench latency\n"};

constexpr Subcommand kActions[] = {
    {"throughput", "measure no-op tasks per second, end to end", quern::bench::throughput,
     quern::bench::throughput_syntax},
    {"latency", "measure one task at a time, from submit to result", quern::bench::latency,
     quern::bench::latency_syntax},
};

}  // namespace

Syntax bench_syntax() {
  Syntax syntax(kBenchManual);
  syntax.actions(kActions);
  return syntax;
}

Exit bench(const Arguments& arguments) {
  try {
    return bench_syntax().act(arguments);
  } catch (const BrokerFailed& failure) {
    std::cerr << "quern: the broker of the benchmark did not start (exit code " << failure.code
              << ")\n";
    return Exit::no_broker;
  }
}

}  // namespace quern::cli
