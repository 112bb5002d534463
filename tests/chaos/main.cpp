// quern-chaos: real processes that are killed, stopped and cut off at random, and clients that know
// every answer.
#include <signal.h>
#include <unistd.h>

#include <boost/program_options.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>
#include <thread>

#include "chaos/client.hpp"
#include "chaos/commander.hpp"
#include "chaos/ledger.hpp"
#include "chaos/start_ledger.hpp"
#include "chaos/world.hpp"

namespace po = boost::program_options;

namespace quern::chaos {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr auto kHealing = 100s;  // a sanitizer makes everything slower
#else
constexpr auto kHealing = 28s;  ///< most of the 30 s that a run may exceed its time
#endif

volatile std::sig_atomic_t interrupted = 0;

struct Stall {
  std::uint64_t seen = 0;
  Clock::time_point since = Clock::now();
  double longest_s = 0;

  void look(const std::string& folder) {
    const std::uint64_t now = progress(folder);
    if (now != seen) since = Clock::now();
    seen = now;
    longest_s = std::max(longest_s, std::chrono::duration<double>(Clock::now() - since).count());
  }
};

std::string to_json(const StartVerdict& v) {
  std::ostringstream out;
  out << "{\"jobs\":" << v.jobs << ",\"starts\":" << v.starts
      << ",\"second_starts\":" << v.second_starts << ",\"once_jobs\":" << v.once_jobs
      << ",\"once_tasks\":" << v.once_tasks << ",\"lost_worker\":" << v.lost_worker
      << ",\"lost_unstarted\":" << v.lost_unstarted << ",\"gone\":" << v.gone
      << ",\"abandoned\":" << v.abandoned << ",\"failures\":" << v.failures.size() << "}";
  return out.str();
}

std::string to_json(const Verdict& v, const StartVerdict& starts, const World& world,
                    double seconds, std::uint64_t seed, std::uint64_t reruns, double stall,
                    bool ok) {
  std::ostringstream out;
  out << "{\"seconds\":" << seconds << ",\"seed\":" << seed << ",\"submitted\":" << v.submitted
      << ",\"completed\":" << v.completed << ",\"abandoned\":" << v.abandoned
      << ",\"refused\":" << v.refused << ",\"lost\":" << v.lost
      << ",\"duplicated\":" << v.duplicated << ",\"wrong\":" << v.wrong << ",\"tasks\":" << v.tasks
      << ",\"kills\":{";
  const char* comma = "";
  for (const auto& [kind, n] : world.kills()) {
    out << comma << '"' << kind << "\":" << n;
    comma = ",";
  }
  out << "},\"reruns_of_live_leases\":" << reruns << ",\"commands\":" << to_json(starts)
      << ",\"longest_stall_s\":" << stall << ",\"ok\":" << (ok ? "true" : "false") << "}";
  return out.str();
}

int run(const Setting& setting, double seconds, bool json, bool keep) {
  const auto start = Clock::now();
  const auto faults_until =
      start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  World world(setting);
  std::mt19937_64 random(setting.seed + 1);
  Stall stall;
  auto next = start + 1s;
  while (Clock::now() < faults_until && !interrupted) {
    if (Clock::now() >= next) {
      world.disturb();
      next = Clock::now() + std::chrono::milliseconds(100 + random() % 1200);
    }
    world.tend();
    stall.look(setting.folder);
    std::this_thread::sleep_for(20ms);
  }
  world.heal();
  world.let_clients_end();
  const auto until = faults_until + kHealing;
  while (!world.clients_ended() && Clock::now() < until && !interrupted) {
    stall.look(setting.folder);
    std::this_thread::sleep_for(20ms);
  }
  std::ofstream(setting.folder + "/unread") << unread_jobs(setting.folder);
  std::ofstream(setting.folder + "/unread.commands") << unread_commands(setting.folder);
  bool finished = world.clients_ended();
  const bool collected = world.collect(setting.folder + "/unread", until);
  finished = finished && collected;
  world.stop();

  const Verdict verdict = judge(setting.folder, world.killed_clients());
  const std::vector<std::string> reruns = reruns_of_live_leases(setting.folder, world.disturbed());
  const Disturbed disturbed{world.steady_workers(), world.killed_clients(),
                            world.kills().contains("broker_killed")};
  const StartVerdict starts = judge_starts(setting.folder, disturbed);
  const bool ok = finished && verdict.lost + verdict.duplicated + verdict.wrong == 0 &&
                  starts.failures.empty() && world.complaints().empty() && !interrupted;
  if (!finished)
    std::fprintf(stderr, "chaos: not everything had finished %lld s after the last fault\n",
                 static_cast<long long>(kHealing.count()));
  for (const std::string& reason : verdict.reasons)
    std::fprintf(stderr, "chaos: %s\n", reason.c_str());
  for (const std::string& failure : starts.failures)
    std::fprintf(stderr, "chaos: seed %llu: %s\n", static_cast<unsigned long long>(setting.seed),
                 failure.c_str());
  if (setting.verbose)
    for (const std::string& rerun : reruns) std::fprintf(stderr, "chaos: %s\n", rerun.c_str());
  for (const std::string& complaint : world.complaints())
    std::fprintf(stderr, "chaos: %s\n", complaint.c_str());
  if (!ok)
    std::fprintf(stderr,
                 "chaos: logs and store are in %s; again with: quern-chaos --seconds %g --seed "
                 "%llu --store %s\n",
                 setting.folder.c_str(), seconds, static_cast<unsigned long long>(setting.seed),
                 setting.durable ? "durable" : "none");
  const std::string line =
      to_json(verdict, starts, world, seconds, setting.seed, reruns.size(), stall.longest_s, ok);
  if (json)
    std::printf("%s\n", line.c_str());
  else {
    std::printf(
        "%llu jobs acknowledged, %llu completed, %llu abandoned, %llu lost, %llu duplicated, %llu "
        "wrong; longest stall %.1f s\n",
        static_cast<unsigned long long>(verdict.submitted),
        static_cast<unsigned long long>(verdict.completed),
        static_cast<unsigned long long>(verdict.abandoned),
        static_cast<unsigned long long>(verdict.lost),
        static_cast<unsigned long long>(verdict.duplicated),
        static_cast<unsigned long long>(verdict.wrong), stall.longest_s);
    std::printf(
        "%llu starts of commands; of %llu tasks that start at most once %llu ended with "
        "lost_worker; "
        "%zu broken promises\n",
        static_cast<unsigned long long>(starts.starts),
        static_cast<unsigned long long>(starts.once_tasks),
        static_cast<unsigned long long>(starts.lost_worker), starts.failures.size());
  }
  if (ok && !keep) std::filesystem::remove_all(setting.folder);
  return ok ? 0 : 1;
}

}  // namespace
}  // namespace quern::chaos

int main(int argc, char** argv) {
  using namespace quern::chaos;
  double seconds = 30;
  Setting setting;
  ClientCall call;
  std::string store = "durable", folder, collect;
  bool json = false, keep = false;
  std::uint64_t client = 0, commander = 0;
  po::options_description shown("Options"), hidden;
  auto add = shown.add_options();
  add("seconds", po::value(&seconds),
      "how long faults happen (default 30); it ends within 30 s more");
  add("seed", po::value(&setting.seed), "of the faults and the jobs (default 1)");
  add("json", po::bool_switch(&json), "one JSON object");
  add("store", po::value(&store),
      "durable, or none: then the broker is not killed (default durable)");
  add("keep-folder", po::bool_switch(&keep), "keep logs, journals and store also when all is well");
  add("verbose", po::bool_switch(&setting.verbose), "say each fault");
  add("help", "print this");
  auto add_hidden = hidden.add_options();
  add_hidden("client", po::value(&client), "");
  add_hidden("commander", po::value(&commander), "");
  add_hidden("collect", po::value(&collect), "");
  add_hidden("broker", po::value(&call.endpoint), "");
  add_hidden("folder", po::value(&folder), "");
  po::options_description all;
  all.add(shown).add(hidden);
  po::variables_map given;
  try {
    po::store(po::parse_command_line(argc, argv, all), given);
    po::notify(given);
  } catch (const po::error& error) {
    std::cerr << "quern-chaos: " << error.what() << " (see quern-chaos --help)\n";
    return 2;
  }
  if (given.contains("help")) {
    std::cout
        << "Usage: quern-chaos [--seconds S] [--seed N] [--json]\nClients submit jobs with known "
           "answers while broker, workers, clients and "
           "connections are killed, stopped and cut.\nExit 1 when a job was lost, doubled or "
           "wrong, or never finished, or a command was started more often than its job allows.\n\n"
        << shown;
    return 0;
  }
  if (store != "durable" && store != "none") {
    std::cerr << "quern-chaos: --store takes durable or none, not '" << store << "'\n";
    return 2;
  }
  call.stop = folder + "/stop";
  call.folder = folder;
  call.seed = given.contains("commander") ? commander : client;
  call.durability = store == "durable" ? "durable" : "memory";
  if (given.contains("client")) {
    call.journal = folder + "/journal";
    return run_client(call);
  }
  if (given.contains("commander")) {
    call.journal = folder + "/commands";
    return run_commander(call);
  }
  if (given.contains("collect")) {
    call.journal = folder + "/collected";
    const int code = run_collector(call, collect);
    call.journal = folder + "/commands";
    return code != 0 ? code : run_command_collector(call, collect + ".commands");
  }
  struct sigaction stop {};
  stop.sa_handler = [](int) { interrupted = 1; };
  sigaction(SIGINT, &stop, nullptr);
  sigaction(SIGTERM, &stop, nullptr);
  std::string pattern = "/var/tmp/quern-chaos-XXXXXX";  // a disk, not memory
  if (!mkdtemp(pattern.data())) {
    std::cerr << "quern-chaos: cannot make a folder in /var/tmp\n";
    return 2;
  }
  setting.folder = pattern;
  setting.durable = store == "durable";
  setting.bin = std::filesystem::canonical("/proc/self/exe").parent_path();
  setting.plugin = QUERN_CHAOS_PLUGIN;
  return run(setting, seconds, json, keep);
}
