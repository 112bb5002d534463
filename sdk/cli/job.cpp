// `quern job`: one job in full, and what each worker did for it.
#include <iostream>

#include "cli/command.hpp"
#include "cli/human.hpp"
#include "cli/job_id.hpp"
#include "cli/job_timeline.hpp"
#include "cli/json.hpp"
#include "cli/options.hpp"
#include "cli/table.hpp"
#include "quern/client.hpp"

namespace quern::cli {
namespace {

constexpr Manual kManual = {
    "quern job ID [--timeline FILE]",
    "Shows a job: its state, the decision on splitting it, its progress, and the work of each worker.\n"
    "--timeline draws who did what when.",
    "  quern job 12\n  quern job 12 --json | jq '.workers[] | {worker, rate, share}'\n"
    "  quern job 12 --timeline out.svg && xdg-open out.svg\n"};

void print_field(const char* name, const std::string& text) {
  if (!text.empty())
    std::cout << name << std::string(10 - std::string_view(name).size(), ' ') << printable(text) << '\n';
}

std::string progress_of(const JobStatus& job) {
  const auto count = [](std::uint64_t n) { return std::to_string(n); };
  std::string text = count(job.done) + " of " + count(job.total) + (job.open ? " so far" : "") + " done";
  if (job.leased > 0) text += ", " + count(job.leased) + " with workers";
  if (job.pending > 0) text += ", " + count(job.pending) + " pending";
  if (job.failed > 0) text += ", " + count(job.failed) + " failed";
  if (job.cancelled > 0) text += ", " + count(job.cancelled) + " cancelled";
  if (job.retried > 0) text += ", " + count(job.retried) + " runs repeated";
  if (job.copies > 0) text += ", " + count(job.copies) + " overdue leases copied (" + human_seconds(job.wasted_s) + " spent twice)";
  return text;
}

std::string times_of(const JobStatus& job) {
  std::string text =
      "accepted " + human_microseconds(job.age_us) + " ago, ran " + human_microseconds(job.run_us);
  if (is_final(job.state)) return text;
  if (job.rate > 0) text += ", " + human_rate(job.rate);
  if (job.eta_s >= 0) text += ", " + human_seconds(job.eta_s) + " left";
  if (job.eta_s >= 0 && job.eta_error_s >= 0) text += " (give or take " + human_seconds(job.eta_error_s) + ")";
  return text;
}

void print_shares(const JobStatus& job) {
  std::uint64_t tasks = 0;
  for (const WorkerShare& share : job.shares) tasks += share.tasks;
  Table table({{"worker"},
               {"slots", Align::right},
               {"rate per slot", Align::right},
               {"leases", Align::right},
               {"tasks", Align::right},
               {"share", Align::right},
               {"busy", Align::right}});
  for (const WorkerShare& share : job.shares)
    table.add({share.worker, std::to_string(share.slots), human_rate(share.rate),
               std::to_string(share.leases), std::to_string(share.tasks),
               percent(tasks ? static_cast<double>(share.tasks) / static_cast<double>(tasks) : 0),
               human_microseconds(share.busy_us)});
  std::cout << '\n' << table.text();
}

void print_job(const JobStatus& job) {
  print_field("job", std::to_string(value(job.number)) + (job.name.empty() ? "" : "  " + job.name));
  print_field("function", job.function + " (" + std::string(to_string(job.input)) + ")");
  print_field("state", std::string(to_string(job.state)) + (job.reason.empty() ? "" : ": " + job.reason));
  print_field("decision", job.decision.empty() ? "not made yet" : job.decision);
  print_field("reduce", job.reduce);
  print_field("tasks", progress_of(job));
  print_field("time", times_of(job));
  print_field("order", "priority " + std::to_string(job.priority) + ", weight " + human_count(job.weight) +
                           ", " + std::to_string(job.attempts) + " attempts a task");
  print_field("kept", std::string(to_string(job.durability)) +
                          (job.detached ? ", detached" : ", ends with its client"));
  print_field("owner", job.owner);
  print_field("uuid", job.uuid.text());
  if (!job.shares.empty()) print_shares(job);
}

}  // namespace

Syntax job_syntax() {
  Syntax syntax(kManual);
  syntax.add()("timeline", option<std::string>("FILE"), "draw its leases, a row per slot, as SVG");
  syntax.words(1, 1, "a job's id", Word::job);
  return syntax;
}

Exit job(const Arguments& arguments) {
  const auto given = job_syntax().parse(arguments);
  if (!given) return Exit::done;
  const JobNumber number = job_number(given->words().front());
  Client client(given->client());
  const JobStatus status = given->has("timeline") ? client.timeline(number) : client.job(number);
  if (given->has("timeline")) write_timeline(status, given->get<std::string>("timeline"));
  if (given->json()) {
    std::cout << line_of(to_json(status));
  } else {
    print_job(status);
  }
  return Exit::done;
}

}  // namespace quern::cli
