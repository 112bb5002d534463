#include "broker/core/jobs/accounts.hpp"

#include <algorithm>

namespace quern::broker {
namespace {

// How far a stream may run ahead of what was acknowledged: enough to hide the round trip at any LAN
// speed.
constexpr std::uint64_t kCreditAhead = 16u << 20;

}  // namespace

void Accounts::update(Job& job) {
  JobUsage& before = job.books.accounted;
  const JobUsage after{job.charged_tasks(job.tasks.total - job.tasks.ended.size()),
                       job.tasks.leased, job.bytes() + extra_of(job)};
  const CountedAs now = counted_as(job);
  if (!job.books.usage) job.books.usage = &quotas_.usage_of(job.spec.principal);
  Usage& mine = *job.books.usage;
  mine.tasks += after.tasks - before.tasks;
  const std::uint64_t charged = job.charged_bytes(after.bytes);
  mine.bytes += charged - job.books.charged_bytes;
  job.books.charged_bytes = charged;
  mine.jobs += static_cast<std::uint64_t>(is_live(now)) -
               static_cast<std::uint64_t>(is_live(job.phase.counted));
  memory_used_ += after.bytes - before.bytes;
  census_.tasks += after.tasks - before.tasks;
  census_.leased += after.leased - before.leased;
  --census_.of(job.phase.counted);
  ++census_.of(now);
  job.phase.counted = now;
  before = after;
  update_unread(job, job.output.results.bytes());
}

CountedAs Accounts::counted_as(const Job& job) {
  if (job.is_blob()) return job.final() ? CountedAs::blob : CountedAs::uploading;
  switch (job.phase.state) {
    case JobState::waiting:
      return job.phase.paused ? CountedAs::paused : CountedAs::waiting;
    case JobState::running:
      return job.phase.paused ? CountedAs::paused : CountedAs::running;
    case JobState::done:
      return CountedAs::done;
    case JobState::failed:
      return CountedAs::failed;
    case JobState::cancelled:
    case JobState::lost:
    case JobState::unknown:
      break;
  }
  return CountedAs::cancelled;
}

std::uint64_t Accounts::extra_of(const Job& job) const {
  if (!job.phase.fed) return 0;
  const auto it = extra_.find(job.number);
  return it == extra_.end() ? 0 : it->second;
}

void Accounts::set_extra(Job& job, std::uint64_t bytes) {
  if (bytes == 0)
    extra_.erase(job.number);
  else
    extra_[job.number] = bytes;
  update(job);
}

void Accounts::remove(Job& job) {
  extra_.erase(job.number);
  update_unread(job, 0);
  const JobUsage& before = job.books.accounted;
  Usage& mine = quotas_.usage_of(job.spec.principal);
  mine.tasks -= before.tasks;
  mine.bytes -= job.books.charged_bytes;
  mine.jobs -= is_live(job.phase.counted) ? 1u : 0u;
  memory_used_ -= before.bytes;
  census_.tasks -= before.tasks;
  census_.leased -= before.leased;
  --census_.of(job.phase.counted);
}

void Accounts::update_unread(Job& job, std::uint64_t bytes) {
  if (bytes == job.books.unread && job.owner.session == job.books.unread_of) return;
  if (job.books.unread > 0)
    if (const auto of = unread_of_.find(job.books.unread_of); (of->second -= job.books.unread) == 0)
      unread_of_.erase(of);
  job.books.unread = bytes;
  job.books.unread_of = job.owner.session;
  if (bytes > 0) unread_of_[job.owner.session] += bytes;
}

void Accounts::grant_credit(Job& job, Time now) {
  if (!job.intake.open || job.final()) return;
  const std::uint64_t to =
      job.intake.bytes + std::min({kCreditAhead, memory_room(job), quota_room(job, now)});
  if (to > job.intake.credit_to) job.intake.credit_to = to;
}

std::uint64_t Accounts::unread_of(wire::SessionId session) const {
  const auto it = unread_of_.find(session);
  return it == unread_of_.end() ? 0 : it->second;
}

std::uint64_t Accounts::quota_room(const Job& job, Time now) {
  const std::uint64_t task_bytes = std::max<std::uint64_t>(
      1, job.intake.accepted == 0 ? 1 : job.intake.bytes / job.intake.accepted);
  return quotas_.room(job.spec.principal, task_bytes, now);
}

std::uint64_t Accounts::memory_room(const Job& job) const {
  const std::uint64_t limit = context_.config.stream_limit();
  const std::uint64_t room = limit - std::min(limit, memory_used_);
  return job.blob ? std::min(room, job.blob->memory_room(limit)) : room;
}

}  // namespace quern::broker
