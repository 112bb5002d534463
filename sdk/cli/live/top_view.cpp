#include "cli/live/top_view.hpp"

#include <algorithm>
#include <cmath>

#include "cli/output/human.hpp"
#include "cli/output/sheet.hpp"
#include "cli/output/table.hpp"
#include "notation/duration.hpp"

namespace quern::cli {
namespace {

constexpr std::size_t kAiry =
    20;  ///< with at least this many rows, there are blank lines between the sections

/// A section: the rows of the sheet, and their total number.
struct Section {
  Sheet sheet;
  std::size_t all = 0;
  std::size_t rows = 0;  ///< available to it, without its title
};

std::string count(std::uint64_t n) { return human_count(static_cast<double>(n)); }

/// Width of a bar that leaves room for the rest.
std::size_t bar_cells(std::size_t columns) { return columns < 60 ? 4 : columns < 110 ? 8 : 16; }

/// Joins as many of the parts as fit into a line.
std::string line_across(const std::vector<std::string>& parts, std::size_t width) {
  std::string line;
  for (const std::string& part : parts) {
    const std::string longer = line + (line.empty() ? "" : "  ") + printable(part);
    if (!line.empty() && width_of(longer) > width) continue;
    line = longer;
  }
  return cut(line, width);
}

// ---- the broker

std::string memory_of(const BrokerStatus& broker, std::size_t columns) {
  const double share = broker.memory_limit ? static_cast<double>(broker.memory_used) /
                                                 static_cast<double>(broker.memory_limit)
                                           : 0;
  const std::string used =
      human_bytes(broker.memory_used) + " of " + human_bytes(broker.memory_limit);
  return columns < 60 ? "memory " + percent(share)
                      : "memory " + bar(share, bar_cells(columns)) + " " + used;
}

std::string slots_of(const std::vector<WorkerStatus>& workers) {
  std::uint64_t busy = 0, slots = 0;
  for (const WorkerStatus& worker : workers)
    busy += worker.capacity.busy, slots += worker.capacity.slots;
  return std::to_string(busy) + "/" + plural(slots, "slot") + " busy";
}

std::vector<ViewLine> broker_lines(const TopPicture& picture, Extent extent) {
  const BrokerStatus& broker = picture.broker;
  std::vector<ViewLine> lines;
  std::vector<std::string> title = {"quern " + picture.endpoint,
                                    "up " + notation::short_duration_us(broker.uptime_us)};
  if (extent != kBoundless) title.push_back("q quits");
  lines.push_back({line_across(title, extent.columns), Tone::title});
  if (!picture.trouble.empty())
    lines.push_back({line_across({"no answer for " + notation::short_duration(picture.age_s) + ":",
                                  picture.trouble},
                                 extent.columns),
                     Tone::trouble});
  std::vector<std::string> parts = {plural(broker.workers, "worker"), plural(broker.jobs, "job"),
                                    memory_of(broker, extent.columns), slots_of(picture.workers),
                                    plural(broker.clients, "client")};
  if (broker.late > 0) parts.push_back(count(broker.late) + " late reports");
  if (broker.refused > 0) parts.push_back(count(broker.refused) + " refused");
  if (broker.malformed > 0) parts.push_back(count(broker.malformed) + " malformed");
  lines.push_back({line_across(parts, extent.columns)});
  return lines;
}

// ---- workers

std::string busy_of(const Capacity& capacity, std::size_t cells) {
  const double share = capacity.slots ? static_cast<double>(capacity.busy) / capacity.slots : 0;
  std::string text = bar(share, cells) + " " + std::to_string(capacity.busy) + "/" +
                     std::to_string(capacity.slots);
  if (capacity.stuck > 0) text += " (" + std::to_string(capacity.stuck) + " stuck)";
  return text;
}

/// Use of its cores: '#' for a core per busy slot, '+' for what other processes use.
std::string cpu_of(const Capacity& capacity, std::size_t cells) {
  // Written so that NaN becomes a bound, too.
  const double cores = capacity.cores > 1e-3 ? capacity.cores : 1e-3;
  const double others = capacity.idle < 1 ? std::min(1 - std::max(capacity.idle, 0.0), 1.0) : 0;
  const double own = std::clamp(capacity.busy / cores, 0.0, 1 - others);
  const auto cells_of = [&](double share) {
    return static_cast<std::size_t>(std::lround(share * static_cast<double>(cells)));
  };
  const std::size_t own_cells = std::min(cells_of(own), cells),
                    other_cells = std::min(cells_of(others), cells - own_cells);
  return "[" + std::string(own_cells, '#') + std::string(other_cells, '+') +
         std::string(cells - own_cells - other_cells, ' ') + "]";
}

/// Measured rates per slot, with the function that took most of its time first.
std::string rate_words(const WorkerStatus& worker) {
  auto rates = worker.rates;
  std::sort(rates.begin(), rates.end(),
            [](const auto& a, const auto& b) { return a.busy_us > b.busy_us; });
  std::string text;
  for (const FunctionRate& rate : rates)
    if (rate.rate > 0)
      text += (text.empty() ? "" : ", ") + rate.function + " " + human_rate(rate.rate);
  return text;
}

/// Sorted by name, so that rows keep their places; if they do not all fit, busy workers come first.
Section workers_of(const TopPicture& picture, Extent extent) {
  std::vector<const WorkerStatus*> workers;
  for (const WorkerStatus& worker : picture.workers) workers.push_back(&worker);
  const bool crowded = workers.size() > extent.rows / 3;
  std::sort(workers.begin(), workers.end(), [&](const WorkerStatus* a, const WorkerStatus* b) {
    if (crowded && (a->state == "idle") != (b->state == "idle")) return b->state == "idle";
    return a->name != b->name ? a->name < b->name : a->id < b->id;
  });
  Section section{Sheet({{"worker", Align::left, 0, 16},
                         {"state", Align::left, 4},
                         {"busy slots"},
                         {"cpu", Align::left, 2},
                         {"tasks/s", Align::right, 1},
                         {"tasks", Align::right, 5},
                         {"memory", Align::right, 7},
                         {"heard", Align::right, 6},
                         {"rate per slot", Align::left, 3, 12}}),
                  std::max<std::size_t>(workers.size(), picture.broker.workers)};
  // Formats only the visible ones of possibly thousands.
  workers.resize(std::min(workers.size(), extent.rows));
  const std::size_t cells = bar_cells(extent.columns);
  for (const WorkerStatus* worker : workers) {
    const auto speed = picture.speed.find(worker->id);
    section.sheet.add({worker->name, worker->state, busy_of(worker->capacity, cells),
                       cpu_of(worker->capacity, cells),
                       speed == picture.speed.end() ? "-" : human_count(speed->second),
                       count(worker->tasks_done), human_bytes(worker->capacity.memory_free),
                       notation::short_duration_us(worker->silent_us), rate_words(*worker)});
  }
  return section;
}

// ---- jobs

/// Running ones, then waiting ones, then those that ended last.
std::vector<const JobStatus*> in_order_of_interest(const std::vector<JobStatus>& jobs) {
  const auto turn = [](const JobStatus& job) {
    return is_final(job.state) ? 2 : job.state == JobState::running ? 0 : 1;
  };
  std::vector<const JobStatus*> order;
  for (const JobStatus& job : jobs) order.push_back(&job);
  std::sort(order.begin(), order.end(), [&](const JobStatus* a, const JobStatus* b) {
    if (turn(*a) != turn(*b)) return turn(*a) < turn(*b);
    return turn(*a) == 2 ? a->number > b->number : a->number < b->number;
  });
  return order;
}

double share_of(const JobStatus& job) {
  const auto ended = static_cast<double>(job.done + job.failed + job.cancelled);
  return job.total ? ended / static_cast<double>(job.total) : job.state == JobState::done ? 1 : 0;
}

/// The remaining time while it runs, else its state.
std::string left_of(const JobStatus& job) {
  if (job.state == JobState::running && job.eta_s >= 0 && !job.open)
    return notation::short_duration(job.eta_s);
  return std::string(to_string(job.state));
}

Section jobs_of(const TopPicture& picture, Extent extent) {
  auto order = in_order_of_interest(picture.jobs);
  const auto unfinished = static_cast<std::size_t>(std::count_if(
      order.begin(), order.end(), [](const JobStatus* job) { return !is_final(job->state); }));
  // The broker lists only the newest jobs, but counts all unfinished ones.
  const std::size_t beyond =
      picture.broker.jobs > unfinished ? picture.broker.jobs - unfinished : 0;
  Section section{Sheet({{"job", Align::right},
                         {"function", Align::left, 0, 12},
                         {"name", Align::left, 6, 6},
                         {"progress"},
                         {"", Align::right, 1},
                         {"done", Align::right, 3},
                         {"rate", Align::right, 2},
                         {"left", Align::right},
                         {"failed", Align::right, 5},
                         {"why", Align::left, 4, 12}}),
                  order.size() + beyond};
  order.resize(std::min(order.size(), extent.rows));
  const std::size_t cells = bar_cells(extent.columns);
  for (const JobStatus* job : order) {
    // The total of an open job is unknown, so there is no percentage.
    section.sheet.add({std::to_string(value(job->number)), job->function, job->name,
                       job->open ? "[" + std::string(cells, '.') + "]" : bar(share_of(*job), cells),
                       job->open ? "" : percent(share_of(*job)),
                       count(job->done) + "/" + count(job->total) + (job->open ? "+" : ""),
                       is_final(job->state) ? "-" : human_rate(job->rate), left_of(*job),
                       job->failed ? count(job->failed) : "",
                       is_final(job->state) ? "" : job->reason});
  }
  return section;
}

// ---- errors

bool has_error(const JobStatus& job) {
  return job.state == JobState::failed || job.state == JobState::lost || job.failed > 0;
}

std::string error_of(const JobStatus& job) {
  if (is_final(job.state) && !job.reason.empty()) return job.reason;
  return count(job.failed) + " of " + count(job.total) + " tasks failed" +
         (is_final(job.state) ? "" : " so far");
}

Section errors_of(const TopPicture& picture, Extent extent) {
  std::vector<const JobStatus*> failed;
  for (const JobStatus& job : picture.jobs)
    if (has_error(job)) failed.push_back(&job);
  std::sort(failed.begin(), failed.end(),
            [](const JobStatus* a, const JobStatus* b) { return a->number > b->number; });
  Section section{Sheet({{"job", Align::right},
                         {"function", Align::left, 1, 8},
                         {"submitted", Align::right, 2},
                         {"errors", Align::left, 0, 12}}),
                  failed.size()};
  failed.resize(std::min(failed.size(), extent.rows));
  for (const JobStatus* job : failed)
    section.sheet.add({std::to_string(value(job->number)), job->function,
                       notation::short_duration_us(job->age_us) + " ago", error_of(*job)});
  return section;
}

// ---- all of it

/// Distributes `rows` rows in turn to the sections that have more to show.
void share_out(std::vector<Section*> sections, std::size_t rows) {
  for (bool any = true; any && rows > 0;) {
    any = false;
    for (Section* section : sections) {
      if (rows == 0 ||
          section->rows >= section->sheet.rows() + (section->all > section->sheet.rows() ? 1 : 0))
        continue;
      ++section->rows;
      --rows;
      any = true;
    }
  }
}

void put(std::vector<ViewLine>& lines, const Section& section, std::size_t columns) {
  if (section.rows == 0) return;
  const bool all = section.rows >= section.all && section.sheet.rows() >= section.all;
  const std::size_t shown =
      all ? section.all : section.rows - 1;  // the last row tells how many are not shown
  const auto texts = section.sheet.lines(columns, shown);
  for (std::size_t i = 0; i < texts.size(); ++i)
    lines.push_back({texts[i], i == 0 ? Tone::title : Tone::plain});
  if (all) return;
  const std::string rest = shown ? "... and " + std::to_string(section.all - shown) + " more"
                                 : "... " + std::to_string(section.all) + " in all";
  lines.push_back({cut(rest, columns)});
}

}  // namespace

std::vector<ViewLine> top_view(const TopPicture& picture, Extent extent) {
  std::vector<ViewLine> lines = broker_lines(picture, extent);
  Section workers = workers_of(picture, extent), jobs = jobs_of(picture, extent),
          errors = errors_of(picture, extent);
  std::vector<Section*> shown;
  for (Section* section : {&workers, &jobs, &errors})
    if (section->all > 0) shown.push_back(section);
  const bool airy = extent.rows >= kAiry;
  const std::size_t head = lines.size() + shown.size() * (airy ? 2 : 1);
  share_out(shown, extent.rows - std::min(extent.rows, head));
  for (const Section* section : shown) {
    if (airy && section->rows > 0) lines.emplace_back();
    put(lines, *section, extent.columns);
  }
  if (workers.all == 0)
    lines.push_back({cut("no worker is connected; start one with `quern-worker`", extent.columns),
                     Tone::trouble});
  lines.resize(std::min(lines.size(), extent.rows));
  return lines;
}

}  // namespace quern::cli
