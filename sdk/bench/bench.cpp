// `quern bench throughput | latency`.
#include "bench/bench.hpp"

#include <iostream>

#include "cli/cluster.hpp"
#include "cli/options.hpp"

namespace quern::cli {
namespace {

constexpr char kHelp[] =
    "usage: quern bench throughput|latency [OPTIONS]\n\n"
    "Measures no-op tasks beside bare libzmq moving the same bytes in the same run. Without --broker and "
    "QUERN_BROKER it\n"
    "starts its own broker and worker. `quern bench throughput --help` shows the options.\n\n"
    "examples:\n"
    "  quern bench throughput\n"
    "  quern bench throughput --mode single --tasks 200000 --json\n"
    "  quern bench latency\n";

}  // namespace

Exit bench(const Arguments& arguments) {
  const std::string what = arguments.empty() ? "" : arguments.front();
  if (what == "--help" || what == "-h") {
    std::cout << kHelp;
    return Exit::done;
  }
  const Arguments rest(arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end());
  try {
    if (what == "throughput") return quern::bench::throughput(rest);
    if (what == "latency") return quern::bench::latency(rest);
  } catch (const BrokerFailed& failure) {
    std::cerr << "quern: the broker of the bench did not come up (exit code " << failure.code << ")\n";
    return Exit::no_broker;
  }
  if (what.empty()) throw UsageError("what to measure is missing: throughput or latency");
  throw UsageError("unknown bench '" + what + "': there are throughput and latency");
}

}  // namespace quern::cli
