#include "cli/output/job_timeline.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>

#include "cli/output/human.hpp"
#include "cli/output/table.hpp"
#include "cli/syntax/options.hpp"
#include "notation/duration.hpp"

namespace quern::cli {
namespace {

/// The name of a worker with one lane is used as it is; several lanes are numbered.
std::string row_label(const std::string& worker, std::uint32_t lane, bool single) {
  return single ? worker : worker + " slot " + std::to_string(std::uint64_t{lane} + 1);
}

}  // namespace

Timeline timeline_of(const JobStatus& job) {
  // Only lanes that occur become rows: their numbers are untrusted.
  std::map<std::string, std::map<std::uint32_t, std::size_t>> lanes;
  for (const LeaseSpan& span : job.spans) lanes[span.worker].try_emplace(span.lane);
  Timeline timeline;
  for (auto& [worker, rows] : lanes) {
    const bool single = rows.size() == 1 && rows.begin()->first == 0;
    for (auto& [lane, row] : rows) {
      row = timeline.rows.size();
      timeline.rows.push_back(row_label(printable(worker), lane, single));
    }
  }
  std::map<std::string, std::size_t> kinds;
  for (const LeaseSpan& span : job.spans) {
    const auto [kind, fresh] = kinds.try_emplace(span.outcome, timeline.kinds.size());
    if (fresh) timeline.kinds.push_back(printable(span.outcome));
    TimelineSpan bar;
    bar.row = lanes.at(span.worker).at(span.lane);
    bar.begin_s = notation::seconds_of_us(span.begin_us);
    bar.end_s = notation::seconds_of_us(span.end_us);
    bar.kind = kind->second;
    bar.tasks = span.tasks;
    bar.note = "from task " + std::to_string(span.first);
    bar.kept = span.outcome == "done" || span.outcome == "running";
    timeline.spans.push_back(std::move(bar));
  }
  timeline.title = "job " + std::to_string(value(job.number)) + ": " + printable(job.function) +
                   ", " + std::string(to_string(job.state));
  timeline.subtitle =
      std::to_string(job.done) + " of " + std::to_string(job.total) + " tasks done in " +
      notation::long_duration(notation::seconds_of_us(job.run_us)) +
      (job.copies > 0 ? ", " + plural(job.copies, "overdue lease") + " started twice" : "");
  return timeline;
}

void write_timeline(const JobStatus& job, const std::string& file) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << svg_of(timeline_of(job));
  out.flush();
  if (!out) throw FileError("cannot write " + file + ": " + std::strerror(errno));
}

}  // namespace quern::cli
