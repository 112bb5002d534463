// `quern bench latency`: one task at a time, from submit to result.
#include <cmath>
#include <stdexcept>

#include "bench/bench.hpp"
#include "bench/measure.hpp"
#include "bench/payload.hpp"
#include "bench/report.hpp"
#include "bench/rig.hpp"
#include "cli/human.hpp"

namespace quern::bench {
namespace {

using cli::option;
using cli::UsageError;

constexpr cli::Manual kManual = {"quern bench latency [--count 2000] [--repeat 5]",
                                 "Times one no-op task at a time, from submit to result, and bare libzmq "
                                 "over the same four hops. Medians over the repeats.",
                                 "  quern bench latency\n  quern bench latency --count 10000 --json\n"};

constexpr std::uint32_t kPayload = 16;
constexpr std::uint64_t kWarmUp =
    50;  ///< round trips before the first measured one: connections, first lease

struct Percentiles {
  std::vector<double> p50;
  std::vector<double> p99;

  void add(const std::vector<double>& samples) {
    p50.push_back(quantile(samples, 0.5));
    p99.push_back(quantile(samples, 0.99));
  }
};

std::vector<double> round_trips(Client& client, std::uint64_t count) {
  std::vector<double> samples;
  samples.reserve(count);
  Bytes payload(kPayload, 'x');
  for (std::uint64_t i = 0; i < count; ++i) {
    put_index(payload.data(), i);
    const auto start = Clock::now();
    const Bytes result = client.submit("noop", Whole{payload}).get();
    samples.push_back(seconds_since(start) * 1e6);
    if (!is_result_of(result, i, kIndexBytes))
      throw std::runtime_error("task " + std::to_string(i) + ": the result is wrong");
  }
  return samples;
}

BaselineOrder baseline_order(std::uint64_t count) {
  BaselineOrder order;
  order.tasks = count;
  order.batch = 1;
  order.window = 1;
  order.payload = kPayload;
  order.result = kIndexBytes;
  return order;
}

Json report_of(std::uint64_t count, unsigned repeats, const Percentiles& ours, const Percentiles& bare) {
  const double p50 = median(ours.p50), bare_p50 = median(bare.p50);
  return {{"count", count},
          {"p50_us", rounded(p50)},
          {"p99_us", rounded(median(ours.p99))},
          {"baseline_p50_us", rounded(bare_p50)},
          {"baseline_p99_us", rounded(median(bare.p99))},
          {"ratio", rounded(p50 / bare_p50)},
          {"spread", spread_of(ours.p50)},
          {"repeats", repeats},
          {"payload", kPayload},
          {"summary", "one task takes " + cli::human_seconds(p50 / 1e6) + " (p99 " +
                          cli::human_seconds(median(ours.p99) / 1e6) +
                          "); bare libzmq over the same four hops " + cli::human_seconds(bare_p50 / 1e6) +
                          " (p99 " + cli::human_seconds(median(bare.p99) / 1e6) + ")"}};
}

}  // namespace

cli::Exit latency(const cli::Arguments& arguments) {
  cli::Syntax syntax(kManual);
  syntax.add()("count", option<std::uint64_t>("N"), "round trips a repeat; default 2000")(
      "repeat", option<unsigned>("N"), "default 5");
  add_rig_options(syntax);
  const auto given = syntax.parse(arguments);
  if (!given) return cli::Exit::done;
  const auto count = given->get_or<std::uint64_t>("count", 2000);
  if (count < 1 || count > 100'000'000) throw UsageError("--count takes 1 to 10^8");
  const auto repeats = given->get_or<unsigned>("repeat", 5);
  if (repeats < 1 || repeats > 1000) throw UsageError("--repeat takes 1 to 1000");

  Rig rig(*given);
  Percentiles ours, bare;
  rig.baseline().run(baseline_order(kWarmUp));
  round_trips(rig.client(), kWarmUp);
  for (unsigned i = 0; i < repeats; ++i) {
    bare.add(rig.baseline().run(baseline_order(count)).round_trips_us);
    ours.add(round_trips(rig.client(), count));
  }
  print_report(report_of(count, repeats, ours, bare), given->json());
  return cli::Exit::done;
}

}  // namespace quern::bench
