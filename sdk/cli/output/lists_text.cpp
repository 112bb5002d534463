#include "cli/output/lists_text.hpp"

#include <algorithm>

#include "cli/output/human.hpp"
#include "cli/output/table.hpp"
#include "notation/duration.hpp"
#include "notation/moment.hpp"

namespace quern::cli {
namespace {

std::string busy_cell(const Capacity& capacity) {
  std::string text = std::to_string(capacity.busy) + "/" + std::to_string(capacity.slots);
  if (capacity.stuck > 0) text += " (" + std::to_string(capacity.stuck) + " stuck)";
  return text;
}

/// The functions with a measured rate, the most used first.
std::string rates_cell(const WorkerStatus& worker) {
  auto rates = worker.rates;
  std::sort(rates.begin(), rates.end(),
            [](const auto& a, const auto& b) { return a.busy_us > b.busy_us; });
  std::string text;
  for (const FunctionRate& rate : rates) {
    if (rate.rate <= 0) continue;
    if (!text.empty()) text += ", ";
    text += rate.function + " " + human_rate(rate.rate) + " ±" +
            percent(std::min(1.0, rate.uncertainty));
  }
  return text.empty() ? "-" : text;
}

std::string mean_of(const Histogram& histogram) {
  std::uint64_t n = 0;
  for (const std::uint64_t count : histogram.counts) n += count;
  return n == 0 ? "-" : notation::short_duration(histogram.sum_s / static_cast<double>(n));
}

}  // namespace

std::string jobs_text(const std::vector<JobStatus>& jobs) {
  std::vector<Column> columns{{"job", Align::right},
                              {"function"},
                              {"name"},
                              {"state"},
                              {"done", Align::right},
                              {"total", Align::right},
                              {"failed", Align::right},
                              {"rate", Align::right},
                              {"left", Align::right},
                              {"age", Align::right},
                              {"reason"}};
  // Most lists have no jobs that tasks have submitted.
  const bool nested = std::any_of(jobs.begin(), jobs.end(),
                                  [](const JobStatus& job) { return value(job.parent) != 0; });
  if (nested) columns.insert(columns.begin() + 1, {"parent", Align::right});
  Table table(std::move(columns));
  const auto count = [](std::uint64_t n) { return human_count(static_cast<double>(n)); };
  for (const JobStatus& job : jobs) {
    std::vector<std::string> row{std::to_string(value(job.number)),
                                 job.function,
                                 job.name,
                                 std::string(to_string(job.state)),
                                 count(job.done),
                                 count(job.total) + (job.open ? "+" : ""),
                                 count(job.failed),
                                 is_final(job.state) ? "-" : human_rate(job.rate),
                                 is_final(job.state) ? "-" : notation::short_duration(job.eta_s),
                                 notation::short_duration_us(job.age_us),
                                 job.reason};
    if (nested)
      row.insert(row.begin() + 1, value(job.parent) == 0 ? "-" : std::to_string(value(job.parent)));
    table.add(std::move(row));
  }
  return table.text();
}

std::string workers_text(const std::vector<WorkerStatus>& workers) {
  Table table({{"worker"},
               {"state"},
               {"busy", Align::right},
               {"cores", Align::right},
               {"idle", Align::right},
               {"load", Align::right},
               {"memory", Align::right},
               {"tasks", Align::right},
               {"up", Align::right},
               {"heard", Align::right},
               {"rate per slot"}});
  for (const WorkerStatus& worker : workers)
    table.add({worker.name, worker.state, busy_cell(worker.capacity),
               human_count(worker.capacity.cores), percent(worker.capacity.idle),
               human_count(worker.capacity.load), human_bytes(worker.capacity.memory_free),
               human_count(static_cast<double>(worker.tasks_done)),
               notation::short_duration_us(worker.connected_us),
               notation::short_duration_us(worker.silent_us), rates_cell(worker)});
  return table.text();
}

std::string tasks_text(const std::vector<TaskSpan>& spans) {
  Table table({{"first", Align::right},
               {"last", Align::right},
               {"tasks", Align::right},
               {"state"},
               {"worker"},
               {"attempt", Align::right}});
  for (const TaskSpan& span : spans)
    table.add({std::to_string(span.first), std::to_string(span.first + span.count - 1),
               std::to_string(span.count), std::string(to_string(span.state)), span.worker,
               span.attempt == 0 ? "" : std::to_string(span.attempt)});
  return table.text();
}

std::string notes_text(const std::vector<TaskNote>& notes) {
  Table table({{"task", Align::right},
               {"age", Align::right},
               {"done", Align::right},
               {"worker"},
               {"text"}});
  for (const TaskNote& note : notes)
    table.add({std::to_string(note.task), notation::short_duration_us(note.age_us),
               note.progress < 0 ? "" : percent(note.progress), note.worker, note.text});
  return table.text();
}

namespace {

std::string moment_or(std::uint64_t ms, const char* otherwise) {
  return ms == 0 ? otherwise : notation::moment_text(static_cast<std::int64_t>(ms / 1000));
}

std::string job_or_nothing(const ScheduleRun& run) {
  return value(run.job) == 0 ? "" : std::to_string(value(run.job));
}

}  // namespace

std::string schedules_text(const std::vector<ScheduleStatus>& schedules) {
  Table table({{"name"},
               {"cron"},
               {"zone"},
               {"next"},
               {"last"},
               {"job", Align::right},
               {"function"},
               {"owner"}});
  for (const ScheduleStatus& schedule : schedules) {
    const ScheduleRun* last = schedule.runs.empty() ? nullptr : &schedule.runs.front();
    table.add({schedule.name, schedule.cron, schedule.zone,
               schedule.paused ? "paused" : moment_or(schedule.next_ms, "never"),
               last ? std::string(to_string(last->outcome)) : "", last ? job_or_nothing(*last) : "",
               schedule.function, schedule.owner});
  }
  return table.text();
}

std::string runs_text(const std::vector<ScheduleRun>& runs) {
  Table table({{"due"}, {"handled"}, {"outcome"}, {"job", Align::right}, {"text"}});
  for (const ScheduleRun& run : runs)
    table.add({moment_or(run.due_ms, ""), moment_or(run.at_ms, ""),
               std::string(to_string(run.outcome)), job_or_nothing(run), run.text});
  return table.text();
}

std::string errors_text(const std::vector<ErrorGroup>& groups) {
  Table table({{"tasks", Align::right},
               {"first", Align::right},
               {"last", Align::right},
               {"error"},
               {"text"}});
  for (const ErrorGroup& group : groups)
    table.add({std::to_string(group.count), std::to_string(group.first), std::to_string(group.last),
               std::string(to_string(group.code)), group.count == 1 ? group.example : group.text});
  return table.text();
}

std::string broker_text(const BrokerStatus& status) {
  const auto count = [](std::uint64_t n) { return human_count(static_cast<double>(n)); };
  std::string text =
      printable(status.software) + ", up " + notation::short_duration_us(status.uptime_us) + ", " +
      human_bytes(status.memory_used) + " of " + human_bytes(status.memory_limit) + " in use\n";
  text += "jobs: " + count(status.jobs_waiting) + " waiting, " + count(status.jobs_running) +
          " running, " + count(status.jobs_paused) + " paused; kept: " + count(status.jobs_done) +
          " done, " + count(status.jobs_failed) + " failed, " + count(status.jobs_cancelled) +
          " cancelled\n";
  text += "tasks: " + count(status.tasks_pending) + " pending, " + count(status.tasks_leased) +
          " leased\n";
  text += "workers: " + count(status.workers_idle) + " idle, " + count(status.workers_busy) +
          " busy, " + count(status.workers_draining) + " draining, " + count(status.workers_stuck) +
          " stuck, " + count(status.workers_lost) + " lost\n";
  text += "a lease took " + mean_of(status.lease_seconds) + " on average; a job waited " +
          mean_of(status.wait_seconds) + " for its first lease\n";
  if (status.functions.empty()) return text;
  Table table({{"function"},
               {"done", Align::right},
               {"failed", Align::right},
               {"cancelled", Align::right},
               {"retries", Align::right},
               {"leases", Align::right},
               {"lost", Align::right}});
  for (const FunctionCounters& of : status.functions)
    table.add({of.function, count(of.tasks_done), count(of.tasks_failed), count(of.tasks_cancelled),
               count(of.retries), count(of.leases), count(of.leases_lost)});
  return text + '\n' + table.text();
}

std::string explain_text(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) text += printable(sentence) + '\n';
  return text;
}

}  // namespace quern::cli
