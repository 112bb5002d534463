#include "cli/syntax/job_options.hpp"

#include <charconv>

#include "calendar/moment_in.hpp"
#include "cli/syntax/job_id.hpp"
#include "notation/duration.hpp"

namespace quern::cli {
namespace {

constexpr long kRetriesMax = 999;
constexpr double kWeightLeast = 1e-3, kWeightMost = 1e6;
constexpr double kAmountMost = 1e15;
constexpr std::uint64_t kTtlMost = 100ULL * 366 * 86'400;

std::pair<std::string, std::string> key_and_value(const std::string& text, const char* option) {
  const auto equals = text.find('=');
  if (equals == 0 || equals == std::string::npos)
    throw UsageError(std::string(option) + " takes KEY=VALUE, not '" + text + "'");
  return {text.substr(0, equals), text.substr(equals + 1)};
}

double amount_of(const std::string& text, const std::string& whole) {
  double amount = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  if (error != std::errc() || end != text.data() + text.size() || !(amount > 0) ||
      amount > kAmountMost)
    throw UsageError("--resource takes KEY=NUMBER above 0 and up to 10^15, not '" + whole + "'");
  return amount;
}

Durability durability_of(const std::string& text) {
  for (const Durability each : {Durability::memory, Durability::durable})
    if (text == to_string(each)) return each;
  throw UsageError("--durability takes memory or durable, not '" + text + "'");
}

std::chrono::seconds ttl_of(std::uint64_t seconds) {
  if (seconds < 1 || seconds > kTtlMost)
    throw UsageError("--ttl takes 1 to 3162240000 seconds (a hundred years)");
  return std::chrono::seconds(seconds);
}

/// Job numbers, separated by commas.
void add_edges(std::vector<JobEdge>& edges, const Given& given, const std::string& name,
               bool ended) {
  for (const std::string& list : given.get_or<std::vector<std::string>>(name.c_str(), {})) {
    for (std::size_t at = 0; at <= list.size();) {
      const std::size_t comma = std::min(list.find(',', at), list.size());
      JobEdge edge;
      edge.number = job_number(list.substr(at, comma - at));
      edge.pattern = EdgePattern::after;
      edge.ended = ended;
      edges.push_back(edge);
      at = comma + 1;
    }
  }
}

void set_start(SubmitOptions& options, const Given& given) {
  if (given.has("at") && given.has("in")) throw UsageError("--at and --in exclude each other");
  if (given.has("in")) {
    const auto text = given.get<std::string>("in");
    const auto seconds = notation::seconds_in(text);
    if (!seconds || *seconds > notation::kSecondsMax)
      throw UsageError("--in takes a number of seconds, or one with s, m, h or d, not '" + text +
                       "'");
    options.start_in = notation::milliseconds_of(*seconds, notation::Rounding::up);
  }
  if (!given.has("at")) return;
  const auto text = given.get<std::string>("at");
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const std::string name = calendar::local_zone_name();
  const auto zone = calendar::find_zone(name);
  if (!zone)
    throw UsageError("the environment variable TZ is '" + name +
                     "', which is not the name of a time zone such as Europe/Zurich: set it to "
                     "one, or give --at in UTC (2026-12-24T17:30:00Z)");
  const auto time = calendar::moment_in(text, now.time_since_epoch().count(), *zone);
  if (!time)
    throw UsageError(
        "--at takes a time such as 18:30, \"2026-12-24 18:30\" or "
        "2026-12-24T17:30:00Z, not '" +
        text + "'");
  if (*time < 0 || *time > calendar::kLatest)
    throw UsageError("--at takes a time between the years 1970 and 2200");
  options.start_at = std::chrono::system_clock::time_point(std::chrono::seconds(*time));
}

}  // namespace

void add_job_options(Syntax& syntax) {
  auto add = syntax.add();
  add("priority", option<int>("P"), "higher runs first; default 0");
  add("weight", option<double>("W"), "share of the workers within one priority; default 1");
  add("require", option<std::vector<std::string>>("K=V")->composing(),
      "only workers with this label, or with this amount of a resource (mem=8GiB, gpu=1), which "
      "each task then takes");
  add("resource", option<std::vector<std::string>>("K=N")->composing(),
      "amount of a counted resource that each task occupies");
  add("name", option<std::string>("NAME"), "name of the job, for people");
  add("idempotent", flag(),
      "a task may safely run twice at the same time: if it is slow, a speculative attempt is "
      "started elsewhere");
  add("at-most-once", flag(),
      "no task is ever started twice; a task whose worker is lost fails (requires --retries 0)");
  add("ttl", option<std::uint64_t>("S"),
      "seconds to keep the ended job and its results; default: a week if it is detached or has a "
      "--unique key, else an hour");
  add("deadline", option<double>("S"),
      "seconds that the job may take; then it fails, and what has not ended is cancelled");
  add("at", option<std::string>("TIME"),
      "start at this time, not before: \"18:30\" (today or tomorrow), \"2026-12-24 18:30\" (both "
      "in "
      "the local time zone), 2026-12-24T17:30:00Z");
  add("in", option<std::string>("DURATION"), "start after this time: 90, 15m, 2h, 1.5d");
  add("meta", option<std::vector<std::string>>("K=V")->composing(),
      "metadata of the job, for its function and for people");
  add("durability", option<std::string>("memory|durable"),
      "whether the job survives a restart of the broker; default: durable if the broker has a "
      "store");
  add("after", option<std::vector<std::string>>("ID,...")->composing(),
      "start only when these jobs are done; if one of them fails or is cancelled, this job fails");
  add("after-any", option<std::vector<std::string>>("ID,...")->composing(),
      "start only when these jobs have ended, in whatever way");
  add("intermediate", flag(),
      "the results are only for other jobs (--from): the broker drops them when those have taken "
      "them");
  add("nested", flag(), "tasks of the job may submit jobs, which are yours and end with it");
}

void add_unique_options(Syntax& syntax) {
  auto add = syntax.add();
  add("unique", option<std::string>("KEY"),
      "idempotency key: attach to the job with this key if there is one; it is an error if that "
      "job has another input");
  add("unique-any", flag(), "with --unique: attach to the job even if its input differs");
}

void set_unique(SubmitOptions& options, const Given& given) {
  options.unique = given.get_or<std::string>("unique", {});
  options.unique_any = given.flag("unique-any");
  if (options.unique_any && options.unique.empty())
    throw UsageError("--unique-any requires --unique KEY");
}

SubmitOptions job_options_of(const Given& given) {
  SubmitOptions options;
  options.name = given.get_or<std::string>("name", {});
  options.priority = given.get_or<int>("priority", 0);
  options.weight = given.get_or<double>("weight", 1);
  if (!(options.weight >= kWeightLeast && options.weight <= kWeightMost))
    throw UsageError("--weight takes 0.001 to 1000000");
  options.idempotent = given.flag("idempotent");
  options.at_most_once = given.flag("at-most-once");
  if (options.idempotent && options.at_most_once)
    throw UsageError("--idempotent and --at-most-once exclude each other");
  if (given.has("deadline")) {
    const auto seconds = given.get<double>("deadline");
    if (!(seconds > 0) || seconds > notation::kSecondsMax)
      throw UsageError("--deadline takes seconds above 0, up to 10^9");
    options.deadline = notation::milliseconds_of(seconds, notation::Rounding::up);
  }
  set_start(options, given);
  for (const std::string& text : given.get_or<std::vector<std::string>>("meta", {}))
    options.metadata.insert(key_and_value(text, "--meta"));
  if (given.has("ttl")) options.ttl = ttl_of(given.get<std::uint64_t>("ttl"));
  if (given.has("durability"))
    options.durability = durability_of(given.get<std::string>("durability"));
  add_edges(options.after, given, "after", false);
  add_edges(options.after, given, "after-any", true);
  options.intermediate = given.flag("intermediate");
  options.nested = given.flag("nested");
  for (const std::string& text : given.get_or<std::vector<std::string>>("require", {}))
    options.require.insert(key_and_value(text, "--require"));
  for (const std::string& text : given.get_or<std::vector<std::string>>("resource", {})) {
    const auto [key, amount] = key_and_value(text, "--resource");
    options.resources[key] = amount_of(amount, text);
  }
  return options;
}

std::uint32_t attempts_of(const Given& given, long otherwise) {
  const bool once = given.flag("at-most-once");
  const long retries = given.get_or<long>("retries", once ? 0 : otherwise);
  if (once && retries != 0) throw UsageError("--at-most-once requires --retries 0");
  if (retries < 0 || retries > kRetriesMax)
    throw UsageError("--retries takes 0 to " + std::to_string(kRetriesMax));
  return static_cast<std::uint32_t>(retries) + 1;
}

std::chrono::milliseconds timeout_of(double seconds) {
  if (!(seconds > 0) || seconds > notation::kSecondsMax)
    throw UsageError("--timeout takes seconds above 0, up to 10^9");
  return notation::milliseconds_of(seconds, notation::Rounding::up);
}

}  // namespace quern::cli
