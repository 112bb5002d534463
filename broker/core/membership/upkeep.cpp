#include "broker/core/membership/upkeep.hpp"

#include <algorithm>
#include <cmath>

#include "broker/core/access/access.hpp"

namespace quern::broker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Silence, grace periods and progress are checked at this fraction of the shortest of them: every
// 100 ms of 3 s.
constexpr int kSweepPart = 30;

constexpr std::size_t kSweepJobs = 2000;

std::string seconds_text(std::uint64_t ms) {
  const std::string rest = std::to_string(1000 + ms % 1000).substr(1);
  return std::to_string(ms / 1000) + (ms % 1000 == 0 ? "" : "." + rest) + " s";
}

}  // namespace

std::optional<Time> Upkeep::next_sweep() const {
  const auto due = jobs_.next_due();
  return due && next_sweep_ ? std::min(due->at, *next_sweep_) : next_sweep_;
}

void Upkeep::end_due(Time now) {
  for (auto due = jobs_.next_due(); due && due->at <= now; due = jobs_.next_due()) {
    Job& job = jobs_.at(due->job);
    const std::uint64_t left = job.tasks.total - job.tasks.done - job.tasks.failed();
    std::string limit = seconds_text(job.spec.options->deadline_ms);
    endings_.end(job, JobState::failed, ErrorCode::deadline,
                 "its deadline of " + limit + " is over: " + std::to_string(left) + " of " +
                     std::to_string(job.tasks.total) +
                     " tasks had not ended; submit them again with a longer deadline",
                 now);
  }
}

void Upkeep::sweep(Time now) {
  end_due(now);
  if (next_sweep_ && now < *next_sweep_) return;  // only a deadline was due
  next_sweep_ = now + context_.config.lost_busy / kSweepPart;
  end_silent(now);
  sweep_jobs(now);
  forgetting_.sweep(now);
  if (!edges_.empty()) edges_.sweep();
  for (const JobNumber blob : blobs_.take_idle(now)) forgetting_.forget(blob);
  workers_.forget_lost(now);
}

void Upkeep::end_silent(Time now) {
  std::vector<wire::SessionId> silent;
  for (const auto& [id, session] : sessions_.all()) {
    // An idle worker sends heartbeats rarely. It sends them more often from its first lease on, so
    // its silence before that lease means nothing.
    const bool busy = session.role == wire::Role::worker && !session.worker->holds.leases.empty();
    const bool silent_at_work =
        busy &&
        now - std::max(session.heard, session.worker->holds.busy_since) > context_.config.lost_busy;
    const bool deaf =
        session.reading.probed && now - *session.reading.probed > context_.config.lost_idle;
    if (deaf)
      context_.warn("client " + session.name +
                    " does not read the answers to its queries; its session ends");
    if (deaf || silent_at_work || now - session.heard > context_.config.lost_idle)
      silent.push_back(id);
  }
  for (const wire::SessionId id : silent) {
    const Session& session = *sessions_.find(id);
    if (session.role == wire::Role::worker) lose(*session.worker, session, now);
    leaving_.end_session(id, now);
  }
}

void Upkeep::lose(Worker& worker, const Session& session, Time now) {
  const std::size_t held = worker.holds.leases.size();
  const std::string leases =
      std::to_string(held) + (held == 1 ? " lease goes to others" : " leases go to others");
  const wire::Duration silence = now - session.heard;
  context_.warn("worker " + worker.name + " is lost: silent for " +
                std::to_string(std::chrono::duration_cast<milliseconds>(silence).count()) +
                " ms, " + leases);
  workers_.note_lost(worker,
                     "silent for " +
                         std::to_string(std::chrono::duration_cast<seconds>(silence).count()) +
                         " s; " + leases,
                     now);
  returns_.lose_all(worker, true);
}

void Upkeep::sweep_jobs(Time now) {
  // Each call examines only some of the jobs, so that a million waiting jobs do not noticeably slow
  // down a busy broker.
  std::size_t slice = std::min(kSweepJobs, jobs_.live().size());
  for (auto it = jobs_.live().upper_bound(swept_); slice > 0 && !jobs_.live().empty(); --slice) {
    if (it == jobs_.live().end()) it = jobs_.live().begin();
    Job& job = jobs_.at(*it++);  // ending the job removes it from live_
    swept_ = job.number;
    if (job.owner.orphan_until && now >= *job.owner.orphan_until) {
      endings_.end(job, JobState::cancelled, ErrorCode::cancelled, "its client disconnected", now);
      it = jobs_.live().upper_bound(swept_);
      continue;
    }
    job.take_pace(now);
    accounts_.grant_credit(job, now);
    const bool watched = std::any_of(job.followers.begin(), job.followers.end(),
                                     [](const Follower& f) { return f.watch_ms > 0; });
    if (watched || job.intake.credit_to > job.intake.credit_told) jobs_.touch(job);
  }
}

}  // namespace quern::broker
