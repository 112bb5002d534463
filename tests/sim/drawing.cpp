#include "sim/drawing.hpp"

#include <map>

#include "cli/output/timeline.hpp"
#include "notation/duration.hpp"

namespace quern::sim {
namespace {

using What = ScenarioChange::What;

std::string name_of_machine(std::size_t machine) { return "w" + std::to_string(machine + 1); }

std::string text_of(const ScenarioChange& change) {
  const std::string who = name_of_machine(change.machine);
  switch (change.what) {
    case What::speed:
      return who + " runs at " + std::to_string(static_cast<int>(change.value * 100 + 0.5)) +
             " % of its speed";
    case What::freeze:
      return who + " freezes for " + notation::long_duration(change.value);
    case What::vanish:
      return who + " vanishes";
  }
  return {};
}

}  // namespace

std::size_t shown_machines(const Scenario& scenario) {
  std::size_t slots = 0, machines = 0;
  while (machines < scenario.machines.size() && slots < cli::kTimelineRows)
    slots += scenario.machines[machines++].slots;
  return machines;
}

std::string drawing_of(const Scenario& scenario, Policy policy, const ScenarioOutcome& outcome) {
  cli::Timeline timeline;
  timeline.title = scenario.name + ", shared out by " + std::string(name_of(policy)) + ": " +
                   notation::long_duration(outcome.makespan_s);
  timeline.subtitle = "No schedule takes less than " + notation::long_duration(scenario.ideal_s) +
                      ". A bar is a lease.";
  if (!outcome.trouble.empty()) timeline.subtitle += " Not all is done: " + outcome.trouble + ".";
  timeline.end_s = outcome.makespan_s;
  std::vector<std::size_t> first_row;
  for (std::size_t machine = 0; machine < scenario.machines.size(); ++machine) {
    first_row.push_back(timeline.rows.size());
    const std::uint32_t slots = scenario.machines[machine].slots;
    for (std::uint32_t slot = 0; slot < slots; ++slot)
      timeline.rows.push_back(name_of_machine(machine) +
                              (slots > 1 ? "." + std::to_string(slot + 1) : ""));
  }
  // If several jobs have the same function, each gets its own colour and number.
  std::map<std::string, std::size_t> jobs_of;
  for (const auto& job : scenario.jobs) ++jobs_of[job.function];
  for (std::size_t job = 0; job < scenario.jobs.size(); ++job) {
    const std::string& function = scenario.jobs[job].function;
    timeline.kinds.push_back(
        function + (jobs_of[function] > 1 ? " (job " + std::to_string(job + 1) + ")" : ""));
  }
  for (const auto& run : outcome.runs) {
    const std::string note =
        run.tasks > 0 && run.kept ? "first task " + std::to_string(run.first) : "";
    timeline.spans.push_back({first_row[run.machine] + run.slot, run.begin_s, run.end_s, run.job,
                              run.tasks, note, run.kept});
  }
  timeline.marks.push_back({scenario.ideal_s, "lower bound"});
  for (const auto& change : scenario.changes)
    timeline.marks.push_back({change.at_s, text_of(change)});
  return cli::svg_of(timeline);
}

}  // namespace quern::sim
