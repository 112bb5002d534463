// quern-sim: the production cores in virtual time, under faults (faults_run.hpp) or to measure how
// they distribute work (case_run.hpp).
#include <boost/program_options.hpp>
#include <cstdio>
#include <iostream>
#include <optional>
#include <random>

#include "sim/case_run.hpp"
#include "sim/etc.hpp"
#include "sim/faults_run.hpp"
#include "sim/help.hpp"
#include "sim/scenario_file.hpp"

namespace po = boost::program_options;

namespace {

using namespace quern::sim;

struct Options {
  std::uint64_t seed = 1, seeds = 100;
  Features features;
  bool seeds_given = false;
  bool verbose = false, chaos = false, fresh = false;
  std::string mistake, scenario, etc, policy = "quern", timeline;
  double at_most = 0;
};

/// An error message for conflicting options; empty if there are none.
std::string contradiction(const Options& options) {
  const bool a_case = !options.scenario.empty() || !options.etc.empty();
  if (!options.scenario.empty() && !options.etc.empty())
    return "--scenario and --etc are two cases; give one";
  if (!policy_named(options.policy))
    return "--policy takes " + policy_names() + ", not '" + options.policy + "'";
  if (!a_case && options.policy != "quern")
    return "--policy is of a case: give --scenario or --etc";
  if (!a_case && !options.timeline.empty())
    return "--timeline is of a case: give --scenario or --etc";
  if (!options.timeline.empty() && options.seeds_given)
    return "--timeline draws a single run; leave --seeds out";
  if (options.seeds_given && options.seeds == 0) return "--seeds takes a number above 0";
  return {};
}

int show_case(const Options& options) {
  CaseRequest request;
  request.policy = *policy_named(options.policy);
  request.seed = options.seed;
  request.seeds = options.seeds_given ? options.seeds : 0;
  request.at_most = options.at_most;
  request.timeline = options.timeline;
  if (!options.etc.empty()) {
    request.make = [scenario = scenario_of_etc(options.etc)](std::uint64_t) { return scenario; };
  } else if (is_scenario_file(options.scenario)) {
    request.make = [scenario = scenario_of_file(options.scenario)](std::uint64_t) {
      return scenario;
    };
  } else {
    check_scenario_name(options.scenario);
    request.make = [&options](std::uint64_t seed) {
      return scenario_named(options.scenario, seed);
    };
  }
  return show(request);
}

std::optional<Mistakes> mistakes_of(const std::string& name) {
  Mistakes mistakes;
  if (name == "acknowledge-early")
    mistakes.broker = quern::broker::Mistake::acknowledge_early;
  else if (name == "forget-frontier")
    mistakes.broker = quern::broker::Mistake::forget_frontier;
  else if (name == "copy-anything")
    mistakes.broker = quern::broker::Mistake::copy_anything;
  else if (name == "lose-wakeup")
    mistakes.broker = quern::broker::Mistake::lose_wakeup;
  else if (name == "forget-outbox")
    mistakes.worker = quern::worker::Mistake::forget_outbox;
  else if (!name.empty())
    return std::nullopt;
  return mistakes;
}

using Long = unsigned long long;

int find_mistake(const Options& options, const Mistakes& mistakes) {
  for (std::uint64_t seed = options.seed; seed < options.seed + options.seeds; ++seed) {
    if (options.verbose) std::printf("seed %llu\n", Long{seed}), std::fflush(stdout);
    const std::string what = found_by(seed, mistakes);
    if (what.empty()) continue;
    std::printf("seed %llu finds it: %s\n", Long{seed}, what.c_str());
    return 0;
  }
  std::printf("%llu seeds did not find the mistake\n", Long{options.seeds});
  return 1;
}

int run_seeds_under_faults(const Options& options) {
  std::uint64_t failed = 0, steps = 0, jobs = 0, restarts = 0;
  for (std::uint64_t seed = options.seed; seed < options.seed + options.seeds; ++seed) {
    if (options.verbose) std::printf("seed %llu\n", Long{seed}), std::fflush(stdout);
    const auto outcome = run_under_faults(seed, {}, options.features);
    restarts += outcome.restarts;
    steps += outcome.steps;
    jobs += outcome.jobs;
    if (options.verbose)
      std::printf("  %llu steps, %.1f virtual s\n", Long{outcome.steps}, outcome.virtual_s);
    if (outcome.trouble.empty()) continue;
    ++failed;
    std::printf("seed %llu: %s\n  again with: quern-sim --seed %llu --seeds 1\n", Long{seed},
                outcome.trouble.c_str(), Long{seed});
  }
  std::printf("%llu seeds, %llu jobs, %llu restarts of the broker, %llu steps, %llu failed\n",
              Long{options.seeds}, Long{jobs}, Long{restarts}, Long{steps}, Long{failed});
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  po::options_description all("Options");
  auto add = all.add_options();
  add("seed", po::value(&options.seed), "first seed (default 1)");
  add("seeds", po::value(&options.seeds),
      "how many (default 100; of a case only when given: then their results together)");
  add("chaos", po::bool_switch(&options.chaos),
      "faults of network, disk and processes (the usual run, so it may be left out)");
  add("mistake", po::value(&options.mistake),
      "make one on purpose: acknowledge-early, forget-frontier, copy-anything, forget-outbox, "
      "lose-wakeup; exit 0 when a seed finds it");
  add("edges", po::bool_switch(&options.features.edges),
      "under faults: jobs that take results of others");
  add("nested", po::bool_switch(&options.features.nested),
      "under faults: jobs whose tasks submit jobs and wait for them");
  add("scenario", po::value(&options.scenario),
      "play a case for the scheduler, without faults, and print its makespan as JSON: a name "
      "(`list` prints them) or a file");
  add("etc", po::value(&options.etc),
      "the same for an ETC file: a time per task and machine, known to the scheduler; a unit is a "
      "second");
  add("policy", po::value(&options.policy),
      "of a case: who shares the work out: quern (default), or a baseline: pull, round-robin, "
      "static-equal, static-proportional");
  add("timeline", po::value(&options.timeline),
      "of a case: also draw who did what when, as SVG into this file");
  add("at-most", po::value(&options.at_most),
      "of a case: exit 1 when it takes more than so many times its ideal (of many seeds: their "
      "median)");
  add("fresh", po::bool_switch(&options.fresh),
      "seeds that nobody has seen; a failing one is printed");
  add("verbose", po::bool_switch(&options.verbose), "a line per seed");
  add("help", "print this");
  po::variables_map given;
  try {
    po::store(po::parse_command_line(argc, argv, all), given);
    po::notify(given);
  } catch (const po::error& error) {
    std::cerr << "quern-sim: " << error.what() << " (see quern-sim --help)\n";
    return 2;
  }
  if (given.contains("help")) {
    std::cout << kUsage << all << kExamples;
    return 0;
  }
  options.seeds_given = given.contains("seeds");
  const auto mistakes = mistakes_of(options.mistake);
  std::string wrong = contradiction(options);
  if (!mistakes)
    wrong =
        "--mistake takes acknowledge-early, forget-frontier, copy-anything or forget-outbox, not "
        "'" +
        options.mistake + "'";
  if (!wrong.empty()) {
    std::cerr << "quern-sim: " << wrong << '\n';
    return 2;
  }
  if (options.fresh) options.seed = std::random_device{}();
  try {
    if (options.scenario == "list") {
      for (const auto& name : scenario_names()) std::cout << name << '\n';
      return 0;
    }
    if (!options.scenario.empty() || !options.etc.empty()) return show_case(options);
  } catch (const std::exception& error) {
    std::cerr << "quern-sim: " << error.what() << '\n';
    return 2;
  }
  return options.mistake.empty() ? run_seeds_under_faults(options)
                                 : find_mistake(options, *mistakes);
}
