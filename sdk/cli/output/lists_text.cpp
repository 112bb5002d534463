#include "cli/output/lists_text.hpp"

#include <algorithm>

#include "cli/output/human.hpp"
#include "cli/output/table.hpp"
#include "notation/duration.hpp"

namespace quern::cli {
namespace {

std::string busy_cell(const Capacity& capacity) {
  std::string text = std::to_string(capacity.busy) + "/" + std::to_string(capacity.slots);
  if (capacity.stuck > 0) text += " (" + std::to_string(capacity.stuck) + " stuck)";
  return text;
}

/// The functions with a measured rate, the most used first.
std::string rates_cell(const WorkerStatus& worker) {
  auto rates = worker.rates;
  std::sort(rates.begin(), rates.end(),
            [](const auto& a, const auto& b) { return a.busy_us > b.busy_us; });
  std::string text;
  for (const FunctionRate& rate : rates) {
    if (rate.rate <= 0) continue;
    if (!text.empty()) text += ", ";
    text += rate.function + " " + human_rate(rate.rate) + " ±" +
            percent(std::min(1.0, rate.uncertainty));
  }
  return text.empty() ? "-" : text;
}

}  // namespace

std::string jobs_text(const std::vector<JobStatus>& jobs) {
  Table table({{"job", Align::right},
               {"function"},
               {"name"},
               {"state"},
               {"done", Align::right},
               {"total", Align::right},
               {"failed", Align::right},
               {"rate", Align::right},
               {"left", Align::right},
               {"age", Align::right},
               {"reason"}});
  const auto count = [](std::uint64_t n) { return human_count(static_cast<double>(n)); };
  for (const JobStatus& job : jobs)
    table.add({std::to_string(value(job.number)), job.function, job.name,
               std::string(to_string(job.state)), count(job.done),
               count(job.total) + (job.open ? "+" : ""), count(job.failed),
               is_final(job.state) ? "-" : human_rate(job.rate),
               is_final(job.state) ? "-" : notation::short_duration(job.eta_s),
               notation::short_duration_us(job.age_us), job.reason});
  return table.text();
}

std::string workers_text(const std::vector<WorkerStatus>& workers) {
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
    table.add({worker.name, worker.state, busy_cell(worker.capacity),
               human_count(worker.capacity.cores), percent(worker.capacity.idle),
               human_count(worker.capacity.load), human_bytes(worker.capacity.memory_free),
               human_count(static_cast<double>(worker.tasks_done)),
               notation::short_duration_us(worker.connected_us),
               notation::short_duration_us(worker.silent_us), rates_cell(worker)});
  return table.text();
}

std::string explain_text(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) text += printable(sentence) + '\n';
  return text;
}

}  // namespace quern::cli
