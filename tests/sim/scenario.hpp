// A case for the scheduler: machines of known speed, their changes, and jobs; it runs in virtual
// time through the production cores. The outcome is the time of the jobs, with `ideal_s` as the
// lower bound.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "quern/status.hpp"

namespace quern::sim {

struct ScenarioMachine {
  std::uint32_t slots = 1;
  std::map<std::string, double>
      rates;  ///< tasks per second of one slot, by function; others are not offered
};

struct ScenarioChange {
  enum class What { speed, freeze, vanish } what = What::speed;
  double at_s = 0;
  std::size_t machine = 0;
  double value = 1;  ///< speed: share of the full speed. freeze: seconds
};

struct ScenarioJob {
  std::string function;
  Takes takes = Takes::item;
  std::uint64_t tasks = 1;
  double at_s = 0;
  std::vector<double> sizes;  ///< work of each task, in seconds at rate 1; empty: 1 each
};

struct Scenario {
  std::string name;
  bool declared =
      false;  ///< the machines declare their rates in HELLO; otherwise they must be learnt
  std::vector<ScenarioMachine> machines;
  std::vector<ScenarioChange> changes;
  std::vector<ScenarioJob> jobs;
  double ideal_s = 0;  ///< a lower bound for every schedule
};

/// A time span of one slot with tasks of one job.
struct ScenarioRun {
  std::size_t machine = 0;
  std::uint32_t slot = 0;
  std::size_t job = 0;
  std::uint64_t first = 0, tasks = 0;
  double begin_s = 0, end_s = 0;
  bool kept = true;  ///< its results were accepted
};

struct ScenarioOutcome {
  std::string trouble;         ///< empty if all jobs are done
  std::vector<double> jobs_s;  ///< from the submission of a job to its end; -1 if it did not end
  double makespan_s = 0;       ///< from the start to the last end
  std::vector<double> busy_s;  ///< slot time of each machine
  std::uint64_t leases = 0;
  double cpu_us_per_lease = 0;    ///< processor time of this process, including the virtual workers
  double core_us_per_lease = 0;   ///< of the broker's core alone
  double settle_ms_most = 0;      ///< its longest settle()
  std::uint64_t plans = 0;        ///< plans of the queue
  double planning_ms = 0;         ///< total time of the plans
  double plan_slice_ms_most = 0;  ///< the longest settle() that planned
  double estimate_good = 0;  ///< share of a job's life in which the estimate was within 15 % of
                             ///< the time left; the minimum over the jobs
  std::vector<ScenarioRun> runs;  ///< only if requested
};

struct PlayOptions {
  std::uint64_t seed = 1;
  std::size_t shown_machines = 0;  ///< number of machines in `runs`, from the first
};

/// Names of the built-in cases.
const std::vector<std::string>& scenario_names();
/// Throws std::invalid_argument for an unknown name.
void check_scenario_name(const std::string& name);
Scenario scenario_named(const std::string& name, std::uint64_t seed);
/// Runs a scenario through the production cores.
ScenarioOutcome play(const Scenario& scenario, const PlayOptions& options);

}  // namespace quern::sim
