#include "broker/core/access/quotas.hpp"

#include <algorithm>
#include <cstdio>

#include "wire/limits.hpp"

namespace quern::broker {
namespace {

std::string limit_text(const std::string& name, const char* of, std::uint64_t most,
                       std::uint64_t used, std::uint64_t more) {
  if (more > most)
    return "queue_full: this adds " + std::to_string(more) + " " + of + " at once, and " + name +
           " may have " + std::to_string(most) + " at a time: submit it in parts";
  return "queue_full: " + name + " may have " + std::to_string(most) + " " + of + " at a time, " +
         std::to_string(used) + " are in use; retry when some are done";
}

}  // namespace

std::optional<Refusal> Quotas::over(const std::string& name, std::uint64_t tasks,
                                    std::uint64_t bytes, std::uint64_t jobs, wire::Time now) {
  const auto found = limited_.find(name);
  if (found == limited_.end()) return std::nullopt;
  const Principal& principal = found->second;
  const Usage& used = usage_[name];
  if (principal.max_jobs && used.jobs + jobs > *principal.max_jobs)
    return Refusal{ErrorCode::queue_full,
                   limit_text(name, "jobs", *principal.max_jobs, used.jobs, jobs)};
  if (principal.max_tasks && used.tasks + tasks > *principal.max_tasks)
    return Refusal{ErrorCode::queue_full,
                   limit_text(name, "tasks", *principal.max_tasks, used.tasks, tasks)};
  if (principal.max_bytes && used.bytes + bytes > *principal.max_bytes)
    return Refusal{ErrorCode::queue_full,
                   limit_text(name, "bytes", *principal.max_bytes, used.bytes, bytes)};
  // A stream that exceeds its rate gets no credit (quota_room), but what it was already allowed to
  // send is accepted.
  if (jobs > 0 && principal.max_rate && handed_in_[name].in_debt(pace_of(principal), now)) {
    char text[160];
    std::snprintf(text, sizeof text,
                  " may submit %g tasks per second and has exceeded that rate; retry later",
                  *principal.max_rate);
    return Refusal{ErrorCode::queue_full, "queue_full: " + name + text};
  }
  return std::nullopt;
}

Allowance Quotas::pace_of(const Principal& principal) {
  return {std::max(1.0, *principal.max_rate), *principal.max_rate};
}

void Quotas::charge(const std::string& name, std::uint64_t tasks, wire::Time now) {
  const auto found = limited_.find(name);
  if (found != limited_.end() && found->second.max_rate)
    handed_in_[name].charge(static_cast<double>(tasks), pace_of(found->second), now);
}

std::uint64_t Quotas::room(const std::string& name, std::uint64_t task_bytes, wire::Time now) {
  constexpr std::uint64_t kNoLimit = ~0ULL;
  const auto found = limited_.find(name);
  if (found == limited_.end()) return kNoLimit;
  const Principal& principal = found->second;
  const Usage& used = usage_[name];
  std::uint64_t room = kNoLimit;
  if (principal.max_bytes) room = *principal.max_bytes - std::min(*principal.max_bytes, used.bytes);
  // A stream should not be refused in the middle, so its credit is held back instead: it gets as
  // many bytes as the remaining tasks are expected to have.
  if (principal.max_tasks)
    room = std::min(
        room, (*principal.max_tasks - std::min(*principal.max_tasks, used.tasks)) * task_bytes);
  if (principal.max_rate && handed_in_[name].in_debt(pace_of(principal), now)) room = 0;
  if (room == kNoLimit) return room;
  // Its other streams get the same, so together they stay within the limit, or nearly so. If
  // nothing is queued that could make room, the credit covers a whole batch: either it fits, or its
  // refusal says why it never will. Clients do not send part of a batch.
  const std::uint64_t share = room / std::max<std::uint64_t>(1, used.jobs);
  return used.tasks == 0 && room > 0
             ? std::max<std::uint64_t>(share, wire::kBatchBytesMax + (wire::kBatchBytesMax << 2))
             : share;
}

void Quotas::set_limits(const std::map<std::string, const Principal*>& by_name) {
  limited_.clear();
  for (const auto& [name, principal] : by_name)
    if (principal->is_limited()) limited_.emplace(name, *principal);
}

}  // namespace quern::broker
