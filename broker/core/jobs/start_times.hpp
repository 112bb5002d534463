// The jobs whose time has not come yet (JobOptions::start_at_ms).
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "broker/core/base/context.hpp"
#include "broker/core/jobs/job_changes.hpp"
#include "broker/core/jobs/jobs.hpp"

namespace quern::broker {

/// A wall clock can be set, so what waits for it is looked at this often.
inline constexpr std::chrono::seconds kWallClockLook{1};

class StartTimes {
 public:
  StartTimes(Context& context, Jobs& jobs, JobChanges& changes)
      : context_(context), jobs_(jobs), changes_(changes) {}

  /// Keeps the job from starting, if its time has not come yet.
  void hold(Job& job) {
    const auto at = static_cast<std::int64_t>(job.spec.options->start_at_ms);
    if (at <= context_.wall_ms()) return;
    job.phase.hold.time = true;
    waiting_.emplace(at, job.number);
  }
  /// The same for all live jobs, at a start.
  void hold_all() {
    for (const JobNumber number : jobs_.live()) hold(jobs_.at(number));
  }
  /// Lets the jobs start whose time has come; also forgets those that have ended meanwhile.
  void release() {
    while (!waiting_.empty() && waiting_.begin()->first <= context_.wall_ms()) {
      Job* job = jobs_.find(waiting_.begin()->second);
      waiting_.erase(waiting_.begin());
      if (!job || !job->phase.hold.time) continue;
      const JobChange change = changes_.begin(*job);
      job->phase.hold.time = false;
      context_.dispatch_needed = true;
    }
  }
  /// When release() is due.
  std::optional<Time> next() const {
    if (waiting_.empty()) return std::nullopt;
    return std::min(context_.time_of(waiting_.begin()->first), context_.now + kWallClockLook);
  }

 private:
  Context& context_;
  Jobs& jobs_;
  JobChanges& changes_;
  std::set<std::pair<std::int64_t, JobNumber>> waiting_;  ///< by the wall clock, in ms
};

}  // namespace quern::broker
