// `quern bench latency`: one task at a time, from submit to result.
#include <cmath>

#include "bench/bench.hpp"
#include "bench/measure.hpp"
#include "bench/report.hpp"
#include "bench/rig.hpp"
#include "bench/round_trips.hpp"
#include "cli/output/table.hpp"
#include "notation/duration.hpp"

namespace quern::bench {
namespace {

using cli::option;
using cli::UsageError;

constexpr cli::Manual kLatencyManual = {
    "quern bench latency [--count 2000] [--repeat 5]",
    "Measures the time of one no-op task at a time, from submit to result, and of bare libzmq over "
    "the same four hops. Prints medians over the repetitions.",
    "  quern bench latency\n  quern bench latency --count 10000 --json\n"};

Json report_of(std::uint64_t count, unsigned repeats, const RoundTrips& found) {
  const auto& [ours, bare] = found;
  const double p50 = median(ours.p50), bare_p50 = median(bare.p50);
  return {{"count", count},
          {"p50_us", rounded(p50)},
          {"p99_us", rounded(median(ours.p99))},
          {"baseline_p50_us", rounded(bare_p50)},
          {"baseline_p99_us", rounded(median(bare.p99))},
          {"ratio", rounded(p50 / bare_p50)},
          {"spread", spread_of(ours.p50)},
          {"repeats", repeats},
          {"payload", kRoundTripPayload},
          {"summary", "one task takes " + notation::short_duration(p50 / 1e6) + " (p99 " +
                          notation::short_duration(median(ours.p99) / 1e6) +
                          "); bare libzmq over the same four hops " +
                          notation::short_duration(bare_p50 / 1e6) + " (p99 " +
                          notation::short_duration(median(bare.p99) / 1e6) + ")"}};
}

std::string table_of(const RoundTrips& found) {
  const auto us = [](const std::vector<double>& samples) {
    return notation::short_duration(median(samples) / 1e6);
  };
  cli::Table table(
      {{"one task at a time"}, {"p50", cli::Align::right}, {"p99", cli::Align::right}});
  table.add({"quern", us(found.ours.p50), us(found.ours.p99)});
  table.add({"bare libzmq", us(found.bare.p50), us(found.bare.p99)});
  return table.text();
}

}  // namespace

cli::Syntax latency_syntax() {
  cli::Syntax syntax(kLatencyManual);
  auto add = syntax.add();
  add("count", option<std::uint64_t>("N"), "round trips per repetition; default 2000");
  add("repeat", option<unsigned>("N"), "number of repetitions; default 5");
  add_rig_options(syntax);
  return syntax;
}

cli::Exit latency(const cli::Arguments& arguments) {
  const auto given = latency_syntax().parse(arguments);
  if (!given) return cli::Exit::done;
  const auto count = given->get_or<std::uint64_t>("count", 2000);
  if (count < 1 || count > 100'000'000) throw UsageError("--count takes 1 to 10^8");
  const auto repeats = given->get_or<unsigned>("repeat", 5);
  if (repeats < 1 || repeats > 1000) throw UsageError("--repeat takes 1 to 1000");

  Rig rig(*given);
  RoundTrips found;
  warm_up(rig);
  for (unsigned i = 0; i < repeats; ++i) measure_round_trips(rig, count, found);
  print_report(report_of(count, repeats, found), table_of(found), given->json());
  return cli::Exit::done;
}

}  // namespace quern::bench
