#include "sim/case_run.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <thread>

#include "sim/drawing.hpp"
#include "sim/fleet.hpp"

namespace quern::sim {
namespace {

ScenarioOutcome play_by(Policy policy, const Scenario& scenario, const PlayOptions& options) {
  return policy == Policy::quern ? play(scenario, options) : play_policy(scenario, policy, options);
}

std::optional<double> list_of(const Scenario& scenario) {
  std::uint64_t tasks = 0;
  for (const auto& job : scenario.jobs) tasks += job.tasks;
  if (tasks > kListedTasks) return std::nullopt;
  const double list = list_schedule_s(scenario);
  return list < kNever ? std::optional(list) : std::nullopt;
}

nlohmann::ordered_json json_of(const std::optional<double>& number) {
  return number ? nlohmann::ordered_json(*number) : nullptr;
}

double memory_mb() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_maxrss) / 1024;
}

int show_one(const CaseRequest& request) {
  const Scenario scenario = request.make(request.seed);
  PlayOptions options{request.seed, request.timeline.empty() ? 0 : shown_machines(scenario)};
  const ScenarioOutcome outcome = play_by(request.policy, scenario, options);
  const bool quern = request.policy == Policy::quern;
  const auto list = list_of(scenario);
  nlohmann::ordered_json object = {
      {"scenario", scenario.name},
      {"policy", name_of(request.policy)},
      {"seed", request.seed},
      {"makespan", outcome.makespan_s},
      {"ideal", scenario.ideal_s},
      {"ratio", outcome.makespan_s / scenario.ideal_s},
      {"list", json_of(list)},
      {"ratio_to_list", json_of(list ? std::optional(outcome.makespan_s / *list) : std::nullopt)},
      {"leases", outcome.leases},
      {"cpu_us_per_lease", json_of(quern ? std::optional(outcome.cpu_us_per_lease) : std::nullopt)},
      {"core_us_per_lease",
       json_of(quern ? std::optional(outcome.core_us_per_lease) : std::nullopt)},
      {"settle_ms_most", json_of(quern ? std::optional(outcome.settle_ms_most) : std::nullopt)},
      {"plans", json_of(quern ? std::optional<double>(outcome.plans) : std::nullopt)},
      {"planning_ms", json_of(quern ? std::optional(outcome.planning_ms) : std::nullopt)},
      {"plan_slice_ms_most",
       json_of(quern ? std::optional(outcome.plan_slice_ms_most) : std::nullopt)},
      {"estimate_good", json_of(quern ? std::optional(outcome.estimate_good) : std::nullopt)},
      {"memory_mb", memory_mb()}};
  if (request.policy == Policy::pull) {
    std::uint64_t chunk = 1;
    for (const auto& job : scenario.jobs) chunk = std::max(chunk, chunk_of(job));
    object["chunk"] = chunk;
  }
  if (scenario.jobs.size() <= 16) object["jobs_s"] = outcome.jobs_s;
  if (scenario.machines.size() <= 64) object["busy_s"] = outcome.busy_s;
  if (!outcome.trouble.empty()) object["trouble"] = outcome.trouble;
  if (!request.timeline.empty()) {
    std::ofstream file(request.timeline);
    file << drawing_of(scenario, request.policy, outcome);
    if (!file.flush()) throw std::runtime_error("--timeline: cannot write " + request.timeline);
  }
  std::cout << object << '\n';
  return outcome.trouble.empty() &&
                 (request.at_most <= 0 || outcome.makespan_s <= request.at_most * scenario.ideal_s)
             ? 0
             : 1;
}

/// The outcome of a seed, as sent through a pipe.
struct SeedResult {
  std::uint64_t seed;
  double ratio, ratio_to_list;  ///< NaN if there is none
  bool trouble;
};

/// Distributes the seeds over processes, because a run has one thread.
std::vector<SeedResult> run_seeds(const CaseRequest& request) {
  const std::uint64_t processes =
      std::min<std::uint64_t>(request.seeds, std::max(1U, std::thread::hardware_concurrency()));
  std::vector<std::pair<pid_t, int>> children;
  for (std::uint64_t child = 0; child < processes; ++child) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("cannot make a pipe");
    const pid_t pid = fork();
    if (pid < 0) throw std::runtime_error("cannot start a process");
    if (pid == 0) {
      for (std::uint64_t i = child; i < request.seeds; i += processes) {
        const Scenario scenario = request.make(request.seed + i);
        const auto outcome = play_by(request.policy, scenario, {request.seed + i, 0});
        const auto list = list_of(scenario);
        const SeedResult result{request.seed + i, outcome.makespan_s / scenario.ideal_s,
                                list ? outcome.makespan_s / *list : std::nan(""),
                                !outcome.trouble.empty()};
        if (write(ends[1], &result, sizeof result) != sizeof result) std::_Exit(1);
      }
      std::_Exit(0);
    }
    close(ends[1]);
    children.emplace_back(pid, ends[0]);
  }
  std::vector<SeedResult> results;
  for (const auto& [pid, end] : children) {
    SeedResult result{};
    while (read(end, &result, sizeof result) == sizeof result) results.push_back(result);
    close(end);
    waitpid(pid, nullptr, 0);
  }
  std::sort(results.begin(), results.end(),
            [](const auto& a, const auto& b) { return a.seed < b.seed; });
  return results;
}

double median_of(std::vector<double> numbers) {
  std::sort(numbers.begin(), numbers.end());
  const std::size_t half = numbers.size() / 2;
  return numbers.size() % 2 == 1 ? numbers[half] : (numbers[half - 1] + numbers[half]) / 2;
}

nlohmann::ordered_json spread_of(const std::vector<double>& numbers,
                                 const std::vector<SeedResult>& results) {
  if (numbers.empty() || std::isnan(numbers[0])) return nullptr;
  const auto most = std::max_element(numbers.begin(), numbers.end());
  return {{"median", median_of(numbers)},
          {"mean", std::accumulate(numbers.begin(), numbers.end(), 0.0) /
                       static_cast<double>(numbers.size())},
          {"max", *most},
          {"max_seed", results[static_cast<std::size_t>(most - numbers.begin())].seed}};
}

int show_many(const CaseRequest& request) {
  const auto results = run_seeds(request);
  std::vector<double> ratios, to_list;
  std::uint64_t troubled = 0;
  for (const auto& result : results) {
    ratios.push_back(result.ratio);
    to_list.push_back(result.ratio_to_list);
    troubled += result.trouble ? 1 : 0;
  }
  nlohmann::ordered_json object = {{"scenario", request.make(request.seed).name},
                                   {"policy", name_of(request.policy)},
                                   {"seed", request.seed},
                                   {"seeds", results.size()},
                                   {"ratio", spread_of(ratios, results)},
                                   {"ratio_to_list", spread_of(to_list, results)},
                                   {"troubled", troubled}};
  const bool complete = results.size() == request.seeds;
  if (!complete)
    object["trouble"] =
        std::to_string(request.seeds - results.size()) + " seeds ended without a result";
  std::cout << object << '\n';
  return complete && troubled == 0 && (request.at_most <= 0 || median_of(ratios) <= request.at_most)
             ? 0
             : 1;
}

}  // namespace

int show(const CaseRequest& request) {
  return request.seeds > 0 ? show_many(request) : show_one(request);
}

}  // namespace quern::sim
