// `quern workers`: who is connected, what they could give, and how fast they were measured.
#include <algorithm>
#include <iostream>

#include "cli/command.hpp"
#include "cli/human.hpp"
#include "cli/json.hpp"
#include "cli/options.hpp"
#include "cli/table.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

constexpr Manual kWorkersManual = {"quern workers",
                            "Lists the workers that are connected, with their capacity and measured rates.",
                            "  quern workers\n  quern workers --json | jq -r .worker\n"};

std::string busy_cell(const Capacity& capacity) {
  std::string text = std::to_string(capacity.busy) + "/" + std::to_string(capacity.slots);
  if (capacity.stuck > 0) text += " (" + std::to_string(capacity.stuck) + " stuck)";
  return text;
}

/// The functions with a measured rate, the busiest first.
std::string rates_shown(const WorkerStatus& worker) {
  auto rates = worker.rates;
  std::sort(rates.begin(), rates.end(), [](const auto& a, const auto& b) { return a.busy_us > b.busy_us; });
  std::string text;
  for (const FunctionRate& rate : rates) {
    if (rate.rate <= 0) continue;
    if (!text.empty()) text += ", ";
    text += rate.function + " " + human_rate(rate.rate) + " ±" + percent(std::min(1.0, rate.uncertainty));
  }
  return text.empty() ? "-" : text;
}

void print_workers(const std::vector<WorkerStatus>& workers) {
  Table table({{"worker"},
               {"state"},
               {"busy", Align::right},
               {"cores", Align::right},
               {"idle", Align::right},
               {"load", Align::right},
               {"memory", Align::right},
               {"tasks", Align::right},
               {"up", Align::right},
               {"heard", Align::right},
               {"rate per slot"}});
  for (const WorkerStatus& worker : workers)
    table.add({worker.name, worker.state, busy_cell(worker.capacity), human_count(worker.capacity.cores),
               percent(worker.capacity.idle), human_count(worker.capacity.load),
               human_bytes(worker.capacity.memory_free), human_count(static_cast<double>(worker.tasks_done)),
               human_microseconds(worker.connected_us), human_microseconds(worker.silent_us),
               rates_shown(worker)});
  std::cout << table.text();
}

}  // namespace

Syntax workers_syntax() { return Syntax(kWorkersManual); }

Exit workers(const Arguments& arguments) {
  const auto given = workers_syntax().parse(arguments);
  if (!given) return Exit::done;
  Client client(given->client());
  auto workers = client.workers();
  std::sort(workers.begin(), workers.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  if (!given->json()) {
    print_workers(workers);
    return Exit::done;
  }
  for (const WorkerStatus& worker : workers) std::cout << line_of(to_json(worker));
  return Exit::done;
}

}  // namespace quern::cli
