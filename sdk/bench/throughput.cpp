// `quern bench throughput`: no-op tasks a second, end to end, every result checked.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "bench/bench.hpp"
#include "bench/measure.hpp"
#include "bench/modes.hpp"
#include "bench/payload.hpp"
#include "bench/queued.hpp"
#include "bench/report.hpp"
#include "bench/rig.hpp"
#include "bench/round_trips.hpp"
#include "cli/output/human.hpp"
#include "cli/output/table.hpp"
#include "notation/duration.hpp"

namespace quern::bench {
namespace {

using cli::option;
using cli::UsageError;

constexpr cli::Manual kThroughputManual = {
    "quern bench throughput [OPTIONS]",
    "Runs no-op tasks end to end and checks every result, and moves equal batches with bare "
    "libzmq. Then measures one task at a time, and the memory of a queued task. Prints medians "
    "over the repetitions. The exit "
    "code is 1 if a result is wrong or missing.",
    "  quern bench throughput\n"
    "  quern bench throughput --tasks 10000000 --payload 64 --json\n"
    "  quern bench throughput --mode single\n"};

constexpr std::uint64_t kBatchBytesMax = 1u << 20;
constexpr std::uint32_t kBytesMax = 64u << 20;

struct Request {
  Load load;
  std::string mode;
  unsigned repeats;
};

/// Processor time of one repetition, in microseconds per task.
struct Cost {
  double client = 0;
  double broker = 0;
  double worker = 0;
};

struct Findings {
  std::optional<Queued> queued;  ///< with a broker of its own
  RoundTrips round_trips;
  std::vector<double> tasks_per_s;
  std::vector<double> baseline_tasks_per_s;
  std::vector<double> client_us;
  std::vector<double> broker_us;
  std::vector<double> worker_us;
};

Request request_of(const cli::Given& given) {
  Request request;
  request.mode = given.get_or<std::string>("mode", "map");
  const auto mode = mode_of(request.mode);
  if (!mode) throw UsageError("--mode takes map, single or range, not '" + request.mode + "'");
  Load& load = request.load;
  load.mode = *mode;
  load.tasks = given.get_or<std::uint64_t>("tasks", 1'000'000);
  if (load.tasks < 1 || load.tasks > 1'000'000'000'000)
    throw UsageError("--tasks takes 1 to 10^12");
  load.payload = given.get_or<std::uint32_t>("payload", 16);
  if (load.payload < kIndexBytes || load.payload > kBytesMax)
    throw UsageError("--payload takes 8 to 67108864 bytes (every task contains its index)");
  if (given.has("result")) load.result = given.get<std::uint32_t>("result");
  if (load.result.value_or(1) < 1 || load.result.value_or(1) > kBytesMax)
    throw UsageError("--result takes 1 to 67108864 bytes");
  load.jobs = given.get_or<std::uint64_t>("jobs", 1);
  if (load.jobs < 1 || load.jobs > 1'000'000 || (load.jobs > 1 && load.mode != Mode::map))
    throw UsageError("--jobs takes 1 to 1000000, and requires --mode map");
  request.repeats = given.get_or<unsigned>("repeat", 5);
  if (request.repeats < 1 || request.repeats > 1000) throw UsageError("--repeat takes 1 to 1000");
  return request;
}

BaselineOrder baseline_order(const Load& load) {
  BaselineOrder order;
  // A range has no payloads to move, however long it is: a part of it is enough to measure bare
  // libzmq.
  constexpr std::uint64_t kRangeMost = 10'000'000;
  order.tasks = load.mode == Mode::range ? std::min(load.tasks, kRangeMost) : load.tasks;
  order.payload = load.payload;
  order.result = load.result.value_or(kIndexBytes);
  order.batch = std::clamp<std::uint64_t>(kBatchBytesMax / std::max(order.payload, order.result), 1,
                                          kBaselineBatch);
  return order;
}

/// Processor time so far of this process, the broker and all workers.
Cost processor_time(Rig& rig) {
  Cost cost{processor_us(::getpid()), 0, 0};
  if (!rig.cluster()) return cost;
  cost.broker = processor_us(rig.cluster()->broker().pid());
  for (auto& worker : rig.cluster()->workers()) cost.worker += processor_us(worker.pid());
  return cost;
}

// Round trips a repeat: enough for a p99.
constexpr std::uint64_t kRoundTrips = 300;
// Number and bytes of the tasks that are queued to measure their cost.
constexpr std::uint64_t kQueuedMost = 1'000'000;
constexpr std::uint64_t kQueuedBytesMost = 256u << 20;

void measure_once(Rig& rig, const Load& load, Findings& findings) {
  const auto tasks = static_cast<double>(load.tasks);
  const BaselineOrder order = baseline_order(load);
  findings.baseline_tasks_per_s.push_back(static_cast<double>(order.tasks) /
                                          rig.baseline().run(order).seconds);
  const Cost before = processor_time(rig);
  findings.tasks_per_s.push_back(tasks / run_load(rig.client(), load));
  const Cost after = processor_time(rig);
  findings.client_us.push_back((after.client - before.client) / tasks);
  findings.broker_us.push_back((after.broker - before.broker) / tasks);
  findings.worker_us.push_back((after.worker - before.worker) / tasks);
  measure_round_trips(rig, kRoundTrips, findings.round_trips);
}

/// The cost of a task on this machine, and its meaning.
std::string summary_of(const Findings& findings) {
  // Below this share of the time, the overhead is negligible.
  constexpr double kWorth = 0.1;
  const double together = 1 / median(findings.tasks_per_s),
               alone = median(findings.round_trips.ours.p50) / 1e6;
  return "Here a task costs " + notation::short_duration(together) + " among many, and " +
         notation::short_duration(alone) +
         " when the client waits for each one. To keep the overhead below 10 %, a task should take "
         "at least " +
         notation::short_duration(together / kWorth) + ", or " +
         notation::short_duration(alone / kWorth) + " if the client waits for each one.";
}

Json report_of(const Request& request, const Findings& findings, Rig& rig) {
  const double rate = median(findings.tasks_per_s), bare = median(findings.baseline_tasks_per_s);
  const auto micros = [](const std::vector<double>& samples) {
    return std::round(median(samples) * 1e4) / 1e4;
  };
  Json object = {
      {"tasks", request.load.tasks},
      {"tasks_per_s", std::round(rate)},
      {"baseline_tasks_per_s", std::round(bare)},
      {"ratio", std::round(rate / bare * 1e3) / 1e3},
      {"cpu_us_per_task",
       {{"client", micros(findings.client_us)}, {"broker", nullptr}, {"worker", nullptr}}},
      {"broker_peak_rss_bytes", nullptr},
      {"spread", spread_of(findings.tasks_per_s)},
      {"repeats", request.repeats},
      {"payload", request.load.payload},
      {"result", request.load.result.value_or(kIndexBytes)},
      {"mode", request.mode},
      {"jobs", request.load.jobs}};
  if (rig.cluster()) {
    object["cpu_us_per_task"]["broker"] = micros(findings.broker_us);
    object["cpu_us_per_task"]["worker"] = micros(findings.worker_us);
    object["broker_peak_rss_bytes"] = peak_memory(rig.cluster()->broker().pid());
  }
  object["p50_us"] = rounded(median(findings.round_trips.ours.p50));
  object["p99_us"] = rounded(median(findings.round_trips.ours.p99));
  object["baseline_p50_us"] = rounded(median(findings.round_trips.bare.p50));
  object["bytes_per_queued_task"] =
      findings.queued ? Json(rounded(findings.queued->bytes_per_task)) : Json(nullptr);
  object["queued_tasks_per_s"] =
      findings.queued ? Json(std::round(findings.queued->tasks_per_s)) : Json(nullptr);
  object["summary"] = summary_of(findings);
  return object;
}

std::string table_of(const Request& request, const Findings& findings, Rig& rig) {
  const double rate = median(findings.tasks_per_s), bare = median(findings.baseline_tasks_per_s);
  const auto seconds = [](const std::vector<double>& us) {
    return notation::short_duration(median(us) / 1e6);
  };
  const auto fixed = [](double number, const char* unit) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.3f %s", number, unit);
    return std::string(text.data());
  };
  cli::Table table(
      {{request.mode + ", " + std::to_string(request.load.payload) + " bytes per task"},
       {"quern", cli::Align::right},
       {"bare libzmq", cli::Align::right}});
  table.add({"tasks per second", cli::human_count(rate), cli::human_count(bare)});
  table.add({"one task at a time, p50", seconds(findings.round_trips.ours.p50),
             seconds(findings.round_trips.bare.p50)});
  table.add(
      {"  p99", seconds(findings.round_trips.ours.p99), seconds(findings.round_trips.bare.p99)});
  table.add({"processor time per task: client", fixed(median(findings.client_us), "us"), ""});
  if (rig.cluster()) {
    table.add({"  broker", fixed(median(findings.broker_us), "us"), ""});
    table.add({"  worker", fixed(median(findings.worker_us), "us"), ""});
    table.add({"peak memory of the broker",
               cli::human_bytes(peak_memory(rig.cluster()->broker().pid())), ""});
  }
  if (findings.queued) {
    table.add({"  per queued task", fixed(findings.queued->bytes_per_task, "bytes"), ""});
    table.add({"tasks queued per second", cli::human_count(findings.queued->tasks_per_s), ""});
  }
  return table.text();
}

}  // namespace

cli::Syntax throughput_syntax() {
  cli::Syntax syntax(kThroughputManual);
  auto add = syntax.add();
  add("tasks", option<std::uint64_t>("N"), "number of tasks; default 1000000");
  add("payload", option<std::uint32_t>("BYTES"), "size of the input of a task; default 16");
  add("result", option<std::uint32_t>("BYTES"), "size of a result; default 8");
  add("mode", option<std::string>("map|single|range"), "kind of work; default map");
  add("jobs", option<std::uint64_t>("N"),
      "divide the tasks of a map among N simultaneous jobs; default 1");
  add("repeat", option<unsigned>("N"), "number of repetitions; default 5");
  add_rig_options(syntax);
  return syntax;
}

cli::Exit throughput(const cli::Arguments& arguments) {
  const auto given = throughput_syntax().parse(arguments);
  if (!given) return cli::Exit::done;
  const Request request = request_of(*given);
  Rig rig(*given);
  Findings findings;
  if (rig.cluster() && request.load.mode != Mode::range)
    findings.queued = measure_queued(
        rig, std::clamp<std::uint64_t>(kQueuedBytesMost / request.load.payload, 1, kQueuedMost),
        request.load.payload);
  warm_up(rig);
  for (unsigned i = 0; i < request.repeats; ++i) measure_once(rig, request.load, findings);
  print_report(report_of(request, findings, rig), table_of(request, findings, rig), given->json());
  return cli::Exit::done;
}

}  // namespace quern::bench
