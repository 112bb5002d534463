#include "broker/core/jobs/jobs.hpp"

#include <algorithm>
#include <string>

namespace quern::broker {

void Jobs::index(Job& job) {
  by_uuid_.emplace(job.spec.uuid, &job);
  if (!job.spec.options->unique.empty())
    by_key_.emplace(std::pair(job.spec.principal, job.spec.options->unique), job.number);
}

void Jobs::remove(Job& job) {
  if (!job.spec.options->unique.empty())
    by_key_.erase({job.spec.principal, job.spec.options->unique});
  by_uuid_.erase(job.spec.uuid);
  blobs_.erase(job.number);
  set_live(job, false);
  by_number_.erase(JobNumber(job.number));
}

void Jobs::set_live(const Job& job, bool live) {
  const auto deadline = job.deadline();
  if (live) {
    live_.insert(job.number);
    if (deadline) due_.insert({*deadline, job.number});
  } else {
    live_.erase(job.number);
    if (deadline) due_.erase({*deadline, job.number});
  }
}

std::vector<JobNumber> Jobs::take_changed() {
  std::vector<JobNumber> changed = std::exchange(changed_, {});
  std::sort(changed.begin(), changed.end());
  return changed;
}

Job* Jobs::examine(JobNumber number) {
  Job* job = find(number);
  if (job) job->phase.changed = false;
  return job;
}

void Jobs::set_options(Job& job, wire::JobOptions options) {
  job.spec.name = std::move(options.name);
  job.spec.options = shared_options_.of(std::move(options));
}

wire::JobOptions Jobs::options_of(const Job& job) {
  wire::JobOptions options = *job.spec.options;
  options.name = job.spec.name;
  return options;
}

Refusal Jobs::why_unknown(Uuid uuid, JobNumber number) const {
  if (!uuid.is_nil())
    return {ErrorCode::unknown_job,
            "job " + uuid.text() + " is unknown: list the jobs with `quern jobs`"};
  const std::string name = "job " + std::to_string(value(number));
  // Numbers are assigned in order and never reused, so they tell whether a job ever existed.
  if (!numbers_.was_given(number))
    return {ErrorCode::unknown_job, name + " is unknown: list the jobs with `quern jobs`"};
  if (numbers_.was_given_before(number))
    return {ErrorCode::expired, name +
                                    " has expired: its time to live (--ttl) is over, or it was a "
                                    "memory job and the broker was restarted"};
  return {ErrorCode::expired, name +
                                  " has expired: it ended and its time to live is over; submit it "
                                  "with a longer --ttl to keep it longer"};
}

}  // namespace quern::broker
