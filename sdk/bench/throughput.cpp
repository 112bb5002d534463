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
#include "bench/report.hpp"
#include "bench/rig.hpp"
#include "cli/human.hpp"

namespace quern::bench {
namespace {

using cli::option;
using cli::UsageError;

constexpr cli::Manual kManual = {"quern bench throughput [OPTIONS]",
                                 "Runs no-op tasks end to end and checks every result; bare libzmq moves "
                                 "equal batches beside it. Medians over the repeats.",
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

/// What the processes of one repeat cost, microseconds a task.
struct Cost {
  double client = 0;
  double broker = 0;
  double worker = 0;
};

struct Findings {
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
  if (load.tasks < 1 || load.tasks > 1'000'000'000'000) throw UsageError("--tasks takes 1 to 10^12");
  load.payload = given.get_or<std::uint32_t>("payload", 16);
  if (load.payload < kIndexBytes || load.payload > kBytesMax)
    throw UsageError("--payload takes 8 (every task carries its index) to 67108864 bytes");
  if (given.has("result")) load.result = given.get<std::uint32_t>("result");
  if (load.result.value_or(1) < 1 || load.result.value_or(1) > kBytesMax)
    throw UsageError("--result takes 1 to 67108864 bytes");
  request.repeats = given.get_or<unsigned>("repeat", 5);
  if (request.repeats < 1 || request.repeats > 1000) throw UsageError("--repeat takes 1 to 1000");
  return request;
}

BaselineOrder baseline_order(const Load& load) {
  BaselineOrder order;
  order.tasks = load.tasks;
  order.payload = load.payload;
  order.result = load.result.value_or(kIndexBytes);
  order.batch =
      std::clamp<std::uint64_t>(kBatchBytesMax / std::max(order.payload, order.result), 1, kBaselineBatch);
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

void measure_once(Rig& rig, const Load& load, Findings& findings) {
  const auto tasks = static_cast<double>(load.tasks);
  findings.baseline_tasks_per_s.push_back(tasks / rig.baseline().run(baseline_order(load)).seconds);
  const Cost before = processor_time(rig);
  findings.tasks_per_s.push_back(tasks / run_load(rig.client(), load));
  const Cost after = processor_time(rig);
  findings.client_us.push_back((after.client - before.client) / tasks);
  findings.broker_us.push_back((after.broker - before.broker) / tasks);
  findings.worker_us.push_back((after.worker - before.worker) / tasks);
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
      {"cpu_us_per_task", {{"client", micros(findings.client_us)}, {"broker", nullptr}, {"worker", nullptr}}},
      {"broker_peak_rss_bytes", nullptr},
      {"spread", spread_of(findings.tasks_per_s)},
      {"repeats", request.repeats},
      {"payload", request.load.payload},
      {"result", request.load.result.value_or(kIndexBytes)},
      {"mode", request.mode}};
  if (rig.cluster()) {
    object["cpu_us_per_task"]["broker"] = micros(findings.broker_us);
    object["cpu_us_per_task"]["worker"] = micros(findings.worker_us);
    object["broker_peak_rss_bytes"] = peak_memory(rig.cluster()->broker().pid());
  }
  std::array<char, 16> ratio{};
  std::snprintf(ratio.data(), ratio.size(), "%.2f", rate / bare);
  object["summary"] = cli::human_count(rate) + " tasks/s (" + request.mode + ", " +
                      std::to_string(request.load.payload) + " bytes in); bare libzmq moved as many at " +
                      cli::human_count(bare) + " tasks/s; ratio " + ratio.data();
  return object;
}

}  // namespace

cli::Exit throughput(const cli::Arguments& arguments) {
  cli::Syntax syntax(kManual);
  syntax.add()("tasks", option<std::uint64_t>("N"), "default 1000000")(
      "payload", option<std::uint32_t>("BYTES"), "of a task; default 16")(
      "result", option<std::uint32_t>("BYTES"), "of a result; default 8")(
      "mode", option<std::string>("M"), "map, single or range; default map")("repeat", option<unsigned>("N"),
                                                                             "default 5");
  add_rig_options(syntax);
  const auto given = syntax.parse(arguments);
  if (!given) return cli::Exit::done;
  const Request request = request_of(*given);
  Rig rig(*given);
  Findings findings;
  for (unsigned i = 0; i < request.repeats; ++i) measure_once(rig, request.load, findings);
  print_report(report_of(request, findings, rig), given->json());
  return cli::Exit::done;
}

}  // namespace quern::bench
