// A case for the scheduler: machines of known speed, what happens to them, jobs; run in virtual
// time through the production cores. What a run says is the time the jobs took; nobody knows better
// than `ideal_s` allows.
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
      rates;  ///< tasks a second of one slot, by function; what it does not name it does not offer
};

struct ScenarioChange {
  enum class What { speed, freeze, vanish } what = What::speed;
  double at_s = 0;
  std::size_t machine = 0;
  double value = 1;  ///< speed: share of its full one. freeze: seconds
};

struct ScenarioJob {
  std::string function;
  Takes takes = Takes::item;
  std::uint64_t tasks = 1;
  double at_s = 0;
  std::vector<double>
      sizes;  ///< work of each task, in what a rate of 1 does in a second; empty: 1 each
};

struct Scenario {
  std::string name;
  bool declared = false;  ///< the machines say their rates in HELLO; else they have to be learnt
  std::vector<ScenarioMachine> machines;
  std::vector<ScenarioChange> changes;
  std::vector<ScenarioJob> jobs;
  double ideal_s = 0;  ///< no schedule ends earlier
};

/// A stretch of one slot's time: tasks of a job.
struct ScenarioRun {
  std::size_t machine = 0;
  std::uint32_t slot = 0;
  std::size_t job = 0;
  std::uint64_t first = 0, tasks = 0;
  double begin_s = 0, end_s = 0;
  bool kept = true;  ///< its results came to something
};

struct ScenarioOutcome {
  std::string trouble;         ///< empty: all jobs are done
  std::vector<double> jobs_s;  ///< from a job's submission to its end; -1: it did not end
  double makespan_s = 0;       ///< from the beginning to the last end
  std::vector<double> busy_s;  ///< slot time of each machine
  std::uint64_t leases = 0;
  double cpu_us_per_lease =
      0;  ///< processor time of everything in this process, the virtual workers too
  double core_us_per_lease = 0;   ///< of the broker's core alone
  double settle_ms_most = 0;      ///< the longest single settle() of it
  std::uint64_t plans = 0;        ///< of its queue
  double planning_ms = 0;         ///< what they took together
  double plan_slice_ms_most = 0;  ///< the longest settle() that planned
  double estimate_good = 0;  ///< share of a job's life in which what was said of its end was within
                             ///< 15 % of the time left; the least over the jobs
  std::vector<ScenarioRun> runs;  ///< where asked for
};

struct PlayOptions {
  std::uint64_t seed = 1;
  std::size_t shown_machines = 0;  ///< `runs` of so many, from the first
};

/// Names of the built-in cases.
const std::vector<std::string>& scenario_names();
/// Throws std::invalid_argument for a name that is none.
void check_scenario_name(const std::string& name);
Scenario scenario_named(const std::string& name, std::uint64_t seed);
/// Through the production cores.
ScenarioOutcome play(const Scenario& scenario, const PlayOptions& options);

}  // namespace quern::sim
