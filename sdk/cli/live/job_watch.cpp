#include "cli/live/job_watch.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <optional>
#include <thread>

#include "cli/output/job_text.hpp"
#include "cli/output/json.hpp"
#include "cli/output/output.hpp"
#include "cli/output/table.hpp"
#include "cli/process/attended.hpp"

namespace quern::cli {

Exit watch_job(Client& client, const Watch& watch) {
  const bool in_place = !watch.json && may_draw(STDOUT_FILENO);
  std::optional<JobStatus> told;
  std::size_t lines = 0;
  for (;;) {
    const JobStatus job = client.job(watch.number);
    // Drawn in place, changed times are shown too; elsewhere they are not worth a line.
    if (in_place)
      std::cout << redrawn(job_text(job), extent_of(STDOUT_FILENO), lines);
    else if (!told || !same_progress(*told, job))
      std::cout << (watch.json ? line_of(to_json(job)) : job_line(job) + '\n');
    if (!std::cout.flush()) leave(Exit::done);
    if (is_final(job.state)) return job.state == JobState::done ? Exit::done : Exit::failed;
    told = job;
    std::this_thread::sleep_for(watch.interval);
  }
}

std::string redrawn(std::string_view text, Extent extent, std::size_t& lines_before) {
  std::string out;
  if (lines_before > 0) out += "\033[" + std::to_string(lines_before) + "A";
  lines_before = 0;
  while (!text.empty() && lines_before + 1 < extent.rows) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    // A line that wraps would count as two.
    out += '\r' + cut(std::string(text.substr(0, end)), extent.columns - 1) + "\033[K\n";
    text.remove_prefix(std::min(end + 1, text.size()));
    ++lines_before;
  }
  return out + "\033[J";
}

}  // namespace quern::cli
