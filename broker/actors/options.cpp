#include "broker/actors/options.hpp"

#include <boost/program_options.hpp>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string_view>
#include <utility>

#include "broker/actors/endpoints.hpp"
#include "keys/audit_files.hpp"
#include "keys/files.hpp"
#include "notation/duration.hpp"
#include "notation/size.hpp"
#include "runtime/random.hpp"

namespace po = boost::program_options;

namespace quern::broker {
namespace {

constexpr const char* kUsage = R"(Usage: quern-broker [OPTIONS]

Accepts jobs from clients, grants leases of tasks to workers, and collects the results.
Prints `ready ENDPOINT` on standard output when it accepts connections; everything else goes to
standard error.

Examples:
  quern-broker                                   on tcp://127.0.0.1:7600
  quern-broker --bind tcp://127.0.0.1:0          on a free port, which the `ready` line names
  quern-broker --store /var/lib/quern            keep jobs in this folder
  quern-broker --store /var/lib/quern --check-store
  quern-broker --bind tcp://127.0.0.1:7600 --bind ipc:///tmp/quern.sock
  quern-broker --bind tcp://10.0.0.5:7600        for a LAN; `quern keys invite` lets machines join

Every connection is encrypted, and every key has its rights. Keys are created at the first start;
clients and workers on this machine find theirs without configuration.
)";

/// Half of the memory of this machine (or its cgroup): the default budget for queued work and
/// results.
std::uint64_t default_memory_limit() {
  std::uint64_t bytes = 2ULL << 30;
  if (std::ifstream meminfo("/proc/meminfo"); meminfo) {
    std::string word;
    std::uint64_t kib = 0;
    while (meminfo >> word)
      if (word == "MemTotal:" && meminfo >> kib) {
        bytes = kib << 10;
        break;
      }
  }
  if (std::ifstream cgroup("/sys/fs/cgroup/memory.max"); cgroup) {
    std::uint64_t limit = 0;
    if (cgroup >> limit && limit > 0) bytes = std::min(bytes, limit);
  }
  return bytes / 2;
}

// At least three heartbeat intervals, and at most a day.
constexpr double kLostLeast = 0.1, kLostMost = 86'400;
constexpr std::uint64_t kMemoryLeast = 64ULL << 20;

ParsedOptions mistake(const std::string& line) {
  std::fprintf(stderr, "quern-broker: %s (see quern-broker --help)\n", line.c_str());
  return {std::nullopt, 2};
}

std::chrono::milliseconds ms(double time_s) {
  return notation::milliseconds_of(time_s, notation::Rounding::down);
}

}  // namespace

ParsedOptions parse_options(int argc, char** argv) {
  std::string store, memory, level;
  double grace = 30, lost_after = 3, keep = 0;
  std::string keep_bytes;
  BrokerOptions options;
  po::options_description all("Options");
  auto add = all.add_options();
  add("bind", po::value(&options.endpoints)->composing()->value_name("ENDPOINT"),
      "listen on this endpoint; repeatable (default tcp://127.0.0.1:7600)");
  add("store", po::value(&store)->value_name("DIR"),
      "store jobs in DIR, so that they survive a restart (default $XDG_STATE_HOME/quern, else "
      "~/.local/state/quern)");
  add("no-store", "keep jobs in memory only: they are lost when this broker ends");
  add("check-store", "verify the store, print a report and exit (code 1: it is damaged)");
  add("keys", po::value(&options.guard.keys)->value_name("DIR"),
      "folder of the keys and of authorized_keys (default $QUERN_KEYS, else "
      "$XDG_CONFIG_HOME/quern)");
  add("audit", po::value(&options.guard.audit)->value_name("DIR"),
      "folder of the audit log (default $XDG_STATE_HOME/quern; with --insecure none)");
  add("no-audit", "write no audit log");
  add("insecure", "serve without encryption and keys (loopback and ipc only)");
  add("memory-limit", po::value(&memory)->value_name("BYTES"),
      "memory for queued work and results, e.g. 2G (default: half of this machine's memory)");
  add("grace", po::value(&grace)->value_name("S"),
      "seconds until an attached job is cancelled after its client disappeared (default 30)");
  add("lost-after", po::value(&lost_after)->value_name("S"),
      "seconds of silence until a worker with leases is considered lost (default 3)");
  add("keep", po::value(&keep)->value_name("S"),
      "seconds to keep ended jobs (default: a week if detached or with a unique key, else an hour; "
      "--ttl of a job has precedence)");
  add("keep-bytes", po::value(&keep_bytes)->value_name("BYTES"),
      "space for stored results that are kept to be fetched; the oldest are deleted first (default "
      "16G)");
  add("log-level", po::value(&level)->value_name("LEVEL"),
      "debug, info, warning, error, off (default info)");
  add("version", "print the version");
  add("help,h", "print this text");
  po::variables_map given;
  try {
    po::store(po::command_line_parser(argc, argv).options(all).run(), given);
    po::notify(given);
  } catch (const po::error& error) {
    return mistake(error.what());
  }
  if (given.contains("help")) {
    std::cout << kUsage << "\n" << all;
    return {std::nullopt, 0};
  }
  if (given.contains("version")) {
    std::cout << "quern-broker " QUERN_VERSION "\n";
    return {std::nullopt, 0};
  }
  if (given.contains("store") && given.contains("no-store"))
    return mistake("--store and --no-store contradict each other");
  if (given.contains("store") && store.empty()) return mistake("--store takes a folder");
  options.store = given.contains("no-store") ? ""
                  : given.contains("store")  ? store
                                             : keys::default_state_folder();
  if (options.store.empty() && !given.contains("no-store"))
    return mistake(
        "the folder for the store is unknown because neither XDG_STATE_HOME nor HOME is set; name "
        "it with --store, or use --no-store");
  options.check_store = given.contains("check-store");
  if (options.check_store && options.store.empty())
    return mistake("--check-store requires a store; leave out --no-store");
  options.config.store = !options.store.empty();
  options.guard.insecure = given.contains("insecure");
  if (options.guard.insecure && given.contains("keys"))
    return mistake(
        "--insecure and --keys contradict each other: without encryption there are no keys");
  if (options.endpoints.empty()) options.endpoints.push_back("tcp://127.0.0.1:7600");
  for (const auto& endpoint : options.endpoints) {
    if (!is_endpoint(endpoint))
      return mistake("--bind " + endpoint +
                     ": not an endpoint such as tcp://127.0.0.1:7600, tcp://[::1]:7600 or "
                     "ipc:///tmp/quern.sock, with a port from 0 (any free port) to 65535");
    if (options.guard.insecure && !is_local(endpoint))
      return mistake("--bind " + endpoint +
                     ": without encryption (--insecure), only loopback (tcp://127.0.0.1:PORT) and "
                     "ipc endpoints are allowed");
  }
  if (given.contains("audit") && given.contains("no-audit"))
    return mistake("--audit and --no-audit contradict each other");
  if (!options.guard.insecure && options.guard.keys.empty())
    options.guard.keys = keys::default_folder();
  if (!options.guard.insecure && options.guard.keys.empty())
    return mistake(
        "the folder for the keys is unknown because neither XDG_CONFIG_HOME nor HOME is set; name "
        "it with --keys, or use --insecure");
  if (!given.contains("audit") && !given.contains("no-audit") && !options.guard.insecure) {
    options.guard.audit = keys::default_state_folder();
    if (options.guard.audit.empty())
      return mistake(
          "the folder for the audit log is unknown because neither XDG_STATE_HOME nor HOME is set; "
          "name it with --audit, or use --no-audit");
  }
  options.config.open = options.guard.insecure;
  options.config.audit = !options.guard.audit.empty();
  Config& config = options.config;
  config.memory_limit = default_memory_limit();
  if (given.contains("memory-limit")) {
    const auto bytes = notation::size_in(memory);
    if (!bytes || *bytes < kMemoryLeast)
      return mistake("--memory-limit " + memory +
                     ": give a size such as 512M or 2G, from 64M to 1048576T");
    config.memory_limit = *bytes;
  }
  if (given.contains("keep-bytes")) {
    const auto bytes = notation::size_in(keep_bytes);
    if (!bytes) return mistake("--keep-bytes " + keep_bytes + ": give a size such as 512M or 2G");
    config.keep_bytes = *bytes;
  }
  for (const auto& [name, seconds] : {std::pair{"--grace", grace}, std::pair{"--keep", keep}})
    if (!(seconds >= 0 && seconds <= notation::kSecondsMax))
      return mistake(std::string(name) + ": give seconds from 0 to 1000000000");
  if (!(lost_after >= kLostLeast && lost_after <= kLostMost))
    return mistake("--lost-after: give seconds from 0.1 to 86400");
  config.software = "quern " QUERN_VERSION;
  config.incarnation = runtime::random_u64() >> 1;
  config.grace = ms(grace);
  if (given.contains("keep")) config.keep = config.keep_results = ms(keep);
  config.lost_busy = ms(lost_after);
  config.lost_idle = ms(lost_after * 5);
  // Three heartbeats fit into the tolerated silence.
  config.heartbeat_busy = std::max(std::chrono::milliseconds(20), config.lost_busy / 3);
  config.heartbeat_idle = std::max(std::chrono::milliseconds(20), config.lost_idle / 3);
  if (given.contains("log-level")) {
    using runtime::LogLevel;
    if (level == "debug")
      options.log_level = LogLevel::debug;
    else if (level == "info")
      options.log_level = LogLevel::info;
    else if (level == "warning")
      options.log_level = LogLevel::warning;
    else if (level == "error")
      options.log_level = LogLevel::error;
    else if (level == "off")
      options.log_level = LogLevel::off;
    else
      return mistake("--log-level " + level + ": use debug, info, warning, error or off");
  }
  return {options, 0};
}

}  // namespace quern::broker
