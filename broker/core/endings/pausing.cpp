#include "broker/core/endings/pausing.hpp"

namespace quern::broker {

void Pausing::pause(Job& job) {
  if (job.phase.paused) return;
  const JobChange change = changes_.begin(job);
  // The plan may have kept workers free for its tasks.
  if (job.run.planned > 0 || job.run.planning) plans_.make_stale();
  job.phase.paused = true;
  context_.dispatch_needed = true;
}

void Pausing::resume(Job& job) {
  if (!job.phase.paused) return;
  const JobChange change = changes_.begin(job);
  job.phase.paused = false;
  plans_.on_changed(job);
  context_.dispatch_needed = true;
}

}  // namespace quern::broker
