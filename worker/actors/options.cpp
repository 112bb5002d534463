#include "worker/actors/options.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <sstream>

#include "keys/invitation.hpp"
#include "notation/duration.hpp"
#include "notation/size.hpp"
#include "wire/limits.hpp"
#include "wire/text.hpp"
#include "worker/actors/capacity.hpp"

namespace quern::worker {
namespace {

namespace po = boost::program_options;

constexpr const char* kDefaultEndpoint = "tcp://127.0.0.1:7600";

// Limits of options, so that sums of such numbers do not overflow.
constexpr double kResourceMost = 1e15, kShareLeast = 0.001;

constexpr const char* kExamples =
    "Examples:\n"
    "  quern-worker                                     use all cores, for the broker on this "
    "machine\n"
    "  quern-worker --broker tcp://10.0.0.5:7600 --slots 4 --label room=lab\n"
    "  quern-worker --cpu-share 0.25                    use a quarter of the time, e.g. on a "
    "desktop\n"
    "  quern-worker --load ./libmyfunctions.so          add your own functions\n"
    "  quern-worker --allow-exec --slot-memory 2GiB     also run programs, with a memory limit\n"
    "  quern-worker --join CODE                         on a new machine, with a code from `quern "
    "keys invite`\n"
    "  quern-worker --allow wordcount --allow 'merge_*' run only these, whatever the broker asks\n";

/// Splits "k=v".
std::pair<std::string, std::string> pair_of(const std::string& option, const std::string& text) {
  const auto at = text.find('=');
  if (at == std::string::npos || at == 0)
    throw UsageError("--" + option + " " + text + ": use the form NAME=VALUE");
  return {text.substr(0, at), text.substr(at + 1)};
}

/// A whole text that is a number; throws with the option's name.
double number_of(const std::string& option, const std::string& text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || rest != end || !std::isfinite(number))
    throw UsageError("--" + option + " " + text + ": not a number");
  return number;
}

std::string default_name() {
  char host[256] = "worker";
  if (::gethostname(host, sizeof host - 1) != 0) std::snprintf(host, sizeof host, "worker");
  return std::string(host) + "-" + std::to_string(::getpid());
}

std::string default_endpoint() {
  const char* broker = std::getenv("QUERN_BROKER");
  return broker && *broker ? broker : kDefaultEndpoint;
}

std::uint32_t slots_of(const std::string& text) {
  const double slots = number_of("slots", text);
  if (slots < 1 || slots > wire::kSlotsMax || slots != std::floor(slots))
    throw UsageError("--slots " + text + ": give a whole number from 1 to " +
                     std::to_string(wire::kSlotsMax));
  return static_cast<std::uint32_t>(slots);
}

double share_of(const std::string& text) {
  const double share = number_of("cpu-share", text);
  if (share < kShareLeast || share > 1)
    throw UsageError("--cpu-share " + text + ": give a number from 0.001 to 1");
  return share;
}

std::uint64_t bytes_of(const std::string& option, const std::string& text) {
  const auto bytes = notation::size_in(text);
  if (!bytes || *bytes == 0)
    throw UsageError("--" + option + " " + text + ": give a size above 0, such as 512MiB or 2G");
  return *bytes;
}

bool process_in(const std::string& word) {
  if (word != "thread" && word != "process")
    throw UsageError("--isolation " + word + ": use thread or process");
  return word == "process";
}

std::chrono::milliseconds seconds_of(const std::string& option, const std::string& text) {
  const double seconds = number_of(option, text);
  if (seconds < 0 || seconds > notation::kSecondsMax)
    throw UsageError("--" + option + " " + text + ": give seconds from 0 to 1000000000");
  return notation::milliseconds_of(seconds, notation::Rounding::down);
}

runtime::LogLevel level_of(const std::string& word) {
  using runtime::LogLevel;
  const std::pair<const char*, LogLevel> levels[] = {{"debug", LogLevel::debug},
                                                     {"info", LogLevel::info},
                                                     {"warning", LogLevel::warning},
                                                     {"error", LogLevel::error},
                                                     {"off", LogLevel::off}};
  for (const auto& [name, level] : levels)
    if (word == name) return level;
  throw UsageError("--log-level " + word + ": use debug, info, warning, error or off");
}

std::string checked_name(const std::string& option, std::string name) {
  if (name.empty() || name.size() > wire::kNameBytesMax || !wire::valid_utf8(name))
    throw UsageError("--" + option + ": a name must have 1 to " +
                     std::to_string(wire::kNameBytesMax) + " bytes of UTF-8");
  return name;
}

po::options_description described() {
  using Text = std::string;
  using Texts = std::vector<std::string>;
  po::options_description all("Options");
  auto add = all.add_options();
  add("broker", po::value<Text>()->value_name("ENDPOINT"),
      "endpoint of the broker; default: $QUERN_BROKER, else tcp://127.0.0.1:7600");
  add("slots", po::value<Text>()->value_name("N"),
      "number of leases to run at once; default: the number of usable cores");
  add("name", po::value<Text>()->value_name("S"),
      "name of this worker; default: host and process id");
  add("label", po::value<Texts>()->value_name("K=V"), "label that jobs can require; repeatable");
  add("resource", po::value<Texts>()->value_name("K=N"),
      "counted resource, e.g. gpu=2; repeatable");
  add("load", po::value<Texts>()->value_name("LIB.so"),
      "load a plugin with more functions; repeatable");
  add("call", po::value<Text>()->value_name("FUNCTION"),
      "do not connect to a broker; apply FUNCTION to length-prefixed items from standard input "
      "(used by `quern run FUNCTION --load LIB.so`)");
  add("allow", po::value<Texts>()->value_name("FUNCTION"),
      "run only functions and named reducers that match this name or pattern, e.g. 'word*'; "
      "repeatable; default: all");
  add("allow-exec",
      "run programs for every key that may submit: offers the functions exec and filter (`quern "
      "map`, `quern run exec`)");
  add("isolation", po::value<Text>()->value_name("HOW"),
      "where functions run: thread or process; in separate processes, a crash costs a task, not "
      "the worker; default: thread");
  add("slot-memory", po::value<Text>()->value_name("SIZE"),
      "maximum memory of a program or of a slot's process, e.g. 512MiB; default: no limit");
  add("cpu-share", po::value<Text>()->value_name("F"),
      "use only this share of each slot's time, from 0.001 to 1");
  add("drain-timeout", po::value<Text>()->value_name("S"),
      "seconds to let running tasks finish after SIGTERM; default 30");
  add("join", po::value<Text>()->value_name("CODE"),
      "join the broker that created this code (`quern keys invite`), then work for it");
  add("keys", po::value<Text>()->value_name("DIR"),
      "folder of the keys; default: $QUERN_KEYS, else $XDG_CONFIG_HOME/quern");
  add("insecure", "connect without encryption, to a broker that was started with --insecure");
  add("log-level", po::value<Text>()->value_name("L"),
      "debug, info, warning, error or off; default info");
  add("version", "print the version");
  add("help", "print this text");
  return all;
}

po::variables_map parse(int argc, const char* const* argv) {
  try {
    po::variables_map given;
    // No abbreviations, because a future option could change the meaning of a script.
    const int style =
        po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(argc, argv)
                  .options(described())
                  .positional(po::positional_options_description())
                  .style(style)
                  .run(),
              given);
    return given;
  } catch (const po::error& error) {
    throw UsageError(std::string(error.what()) + "; see --help");
  }
}

}  // namespace

std::string help_text() {
  std::ostringstream out;
  out << "Usage: quern-worker [options]\n"
         "\n"
         "Runs tasks for a Quern broker until it is stopped. SIGTERM or Ctrl-C: finish running "
         "tasks, hand\n"
         "back the rest, and leave; a second signal stops at once.\n\n"
      << described() << "\n"
      << kExamples
      << "\n"
         "Exit codes: 0 stopped normally, 2 wrong command line, 3 refused by the broker.\n";
  return out.str();
}

Options parse_options(int argc, const char* const* argv) {
  const po::variables_map given = parse(argc, argv);
  const auto text = [&](const char* option) { return given[option].as<std::string>(); };
  const auto texts = [&](const char* option) {
    return given.count(option) ? given[option].as<std::vector<std::string>>()
                               : std::vector<std::string>{};
  };
  Options options;
  if (given.count("help")) options.show = Options::Show::help;
  if (given.count("version")) options.show = Options::Show::version;
  if (options.show != Options::Show::nothing) return options;

  options.endpoint = given.count("broker") ? text("broker") : default_endpoint();
  const bool tcp = options.endpoint.starts_with("tcp://");
  if (tcp ? !keys::is_peer_endpoint(options.endpoint)
          : options.endpoint.find("://") == std::string::npos)
    throw UsageError("--broker " + options.endpoint +
                     ": use the form tcp://HOST:PORT with a port from 1 to 65535");
  options.slots = given.count("slots") ? slots_of(text("slots"))
                                       : static_cast<std::uint32_t>(std::clamp<long>(
                                             std::lround(usable_cores()), 1, wire::kSlotsMax));
  options.name = checked_name("name", given.count("name") ? text("name") : default_name());
  for (const auto& label : texts("label"))
    options.labels.insert_or_assign(pair_of("label", label).first, pair_of("label", label).second);
  for (const auto& resource : texts("resource")) {
    const auto [name, count] = pair_of("resource", resource);
    const double n = number_of("resource", count);
    if (n < 0 || n > kResourceMost)
      throw UsageError("--resource " + resource + ": give a number from 0 to 1e15");
    options.resources[name] = n;
  }
  options.plugins = texts("load");
  if (given.count("call")) options.call = text("call");
  if (given.count("join")) {
    if (given.count("broker") || given.count("insecure"))
      throw UsageError("--join already names the broker; leave out --broker and --insecure");
    options.join = text("join");
  }
  if (given.count("keys")) options.keys = text("keys");
  options.insecure = given.count("insecure") > 0;
  options.allowed = texts("allow");
  options.allow_exec = given.count("allow-exec") > 0;
  if (given.count("isolation")) options.isolate = process_in(text("isolation"));
  if (given.count("slot-memory")) {
    options.slot_memory = bytes_of("slot-memory", text("slot-memory"));
    if (!options.allow_exec && !options.isolate)
      throw UsageError(
          "--slot-memory limits processes; it requires --allow-exec or --isolation process");
  }
  if (given.count("cpu-share")) options.cpu_share = share_of(text("cpu-share"));
  if (given.count("drain-timeout"))
    options.drain_wait = seconds_of("drain-timeout", text("drain-timeout"));
  if (given.count("log-level")) options.log_level = level_of(text("log-level"));
  return options;
}

}  // namespace quern::worker
