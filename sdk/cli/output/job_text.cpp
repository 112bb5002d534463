#include "cli/output/job_text.hpp"

#include <algorithm>
#include <tuple>

#include "cli/output/human.hpp"
#include "cli/output/table.hpp"
#include "json/json.hpp"
#include "notation/duration.hpp"
#include "notation/moment.hpp"

namespace quern::cli {
namespace {

std::string field(const char* name, const std::string& text) {
  if (text.empty()) return {};
  return name + std::string(10 - std::string_view(name).size(), ' ') + printable(text) + '\n';
}

std::string progress_of(const JobStatus& job) {
  const auto count = [](std::uint64_t n) { return std::to_string(n); };
  std::string text =
      count(job.done) + " of " + count(job.total) + (job.open ? " so far" : "") + " done";
  if (job.leased > 0) text += ", " + count(job.leased) + " leased to workers";
  if (job.pending > 0) text += ", " + count(job.pending) + " pending";
  if (job.failed > 0) text += ", " + count(job.failed) + " failed";
  if (job.cancelled > 0) text += ", " + count(job.cancelled) + " cancelled";
  if (job.retried > 0) text += ", " + plural(job.retried, "run") + " repeated";
  if (job.copies > 0)
    text += ", " + plural(job.copies, "overdue lease") + " started twice (" +
            notation::short_duration(job.wasted_s) + " spent on copies)";
  return text;
}

std::string times_of(const JobStatus& job) {
  std::string text = "accepted " + notation::short_duration_us(job.age_us) + " ago, ran " +
                     notation::short_duration_us(job.run_us);
  if (is_final(job.state)) return text;
  if (job.rate > 0) text += ", " + human_rate(job.rate);
  if (job.eta_s >= 0) text += ", " + notation::short_duration(job.eta_s) + " left";
  if (job.eta_s >= 0 && job.eta_error_s >= 0)
    text += " (plus or minus " + notation::short_duration(job.eta_error_s) + ")";
  return text;
}

std::string shares_of(const JobStatus& job) {
  const std::uint64_t tasks = json::tasks_shared(job);
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
               notation::short_duration_us(share.busy_us)});
  std::string text = '\n' + table.text();
  if (job.workers > job.shares.size())
    text += "and " + plural(job.workers - job.shares.size(), "worker") + " with smaller shares\n";
  return text;
}

/// The jobs that it takes results from, or waits for.
std::string edges_of(const JobStatus& job) {
  std::string text;
  for (const JobEdge& edge : job.edges) {
    text += (text.empty() ? "job " : ", job ") + std::to_string(value(edge.number));
    if (edge.pattern == EdgePattern::after)
      text += edge.ended ? " (however it ends)" : " (when it is done)";
    else
      text +=
          " (" + std::string(to_string(edge.pattern)) +
          (edge.pattern == EdgePattern::group
               ? "=" + std::to_string(edge.width) + "," + std::to_string(edge.step)
               : "") +
          (edge.pattern == EdgePattern::each || edge.pattern == EdgePattern::group ? " result)"
                                                                                   : " results)");
  }
  if (job.blocked > 0) text += "; " + plural(job.blocked, "task") + " wait for results";
  return text;
}

std::string jobs_of(const std::vector<std::uint64_t>& numbers) {
  std::string text;
  for (const std::uint64_t number : numbers)
    text += (text.empty() ? "job " : ", job ") + std::to_string(number);
  return text;
}

}  // namespace

std::string job_text(const JobStatus& job) {
  std::string text;
  text +=
      field("job", std::to_string(value(job.number)) + (job.name.empty() ? "" : "  " + job.name));
  text += field("function", job.function + " (" + std::string(to_string(job.input)) + ")");
  text += field("state",
                std::string(to_string(job.state)) + (job.reason.empty() ? "" : ": " + job.reason));
  text += field("decision", job.decision.empty() ? "not made yet" : job.decision);
  text += field("reduce", job.reduce);
  text += field("tasks", progress_of(job));
  text += field("after", edges_of(job));
  text += field("feeds", jobs_of(job.consumers));
  if (value(job.parent) != 0)
    text += field("parent", "task " + std::to_string(job.parent_task) + " of job " +
                                std::to_string(value(job.parent)) + " submitted it");
  text += field("children", jobs_of(job.children) +
                                (job.waiting_tasks == 0 ? ""
                                                        : "; " + plural(job.waiting_tasks, "task") +
                                                              " waiting for them"));
  text += field("time", times_of(job));
  text += field("order", "priority " + std::to_string(job.priority) + ", weight " +
                             human_count(job.weight) + ", " + plural(job.attempts, "attempt") +
                             " a task");
  text += field(
      "kept",
      std::string(to_string(job.durability)) +
          (job.detached ? ", detached" : ", attached (ends with its client)") +
          (job.kept_us > 0 ? ", for another " + notation::short_duration_us(job.kept_us) : ""));
  text += field("starts", job.at_most_once ? "each task at most once"
                          : job.idempotent ? "a slow task may run twice at the same time"
                                           : "");
  if (job.start_at_ms > 0)
    text +=
        field("starts", notation::moment_text(static_cast<std::int64_t>(job.start_at_ms / 1000)));
  if (job.deadline_ms > 0)
    text += field("deadline",
                  notation::short_duration_us(1000 * job.deadline_ms) + " after its submission");
  for (const auto& [name, about] : job.metadata) text += field("meta", name + "=" + about);
  text += field("owner", job.owner);
  text += field("uuid", job.uuid.text());
  if (!job.shares.empty()) text += shares_of(job);
  return text;
}

std::string job_line(const JobStatus& job) {
  std::string text = "job " + std::to_string(value(job.number)) + ' ' +
                     std::string(to_string(job.state)) + ": " + progress_of(job);
  if (!is_final(job.state) && job.rate > 0) text += ", " + human_rate(job.rate);
  if (!is_final(job.state) && job.eta_s >= 0)
    text += ", " + notation::short_duration(job.eta_s) + " left";
  if (!job.reason.empty()) text += " (" + job.reason + ")";
  return printable(text);
}

bool same_progress(const JobStatus& before, const JobStatus& now) {
  const auto told = [](const JobStatus& job) {
    return std::tie(job.state, job.reason, job.decision, job.open, job.total, job.pending,
                    job.leased, job.done, job.failed, job.cancelled, job.retried, job.copies);
  };
  return told(before) == told(now);
}

}  // namespace quern::cli
