#include "broker/core/nesting/nesting.hpp"

#include <utility>
#include <vector>

namespace quern::broker {
namespace {

std::string name_of(JobNumber job) { return "job " + std::to_string(value(job)); }

}  // namespace

void Nesting::examine(Job& job, Time now) {
  if (job.phase.nesting.depth > 0) examine_child(job, now);
  if (job.phase.nesting.parental) examine_children(job, now);
}

void Nesting::examine_child(Job& child, Time now) {
  const ParentTask* who = families_.parent_of(child);
  if (!who) return;
  Job* parent = jobs_.find(who->job);
  if (child.final()) return families_.unlist(child, parent);
  if (parent && !parent->final()) return families_.list(child, *parent);
  // Somebody retries a child of a job that has ended, or a restart came in between.
  cancel(child.number, name_of(who->job) + ", whose task submitted it, has ended", now);
}

bool Nesting::may_run(const Job& parent, const wire::LeaseId& id, std::uint64_t task) const {
  if (parent.tasks.unsure->contains(task)) return true;  // its worker may come back
  const Lease* lease = leases_.find(id);
  return lease && lease->job == parent.number && lease->open.contains(task);
}

void Nesting::examine_children(Job& parent, Time now) {
  const Family* family = families_.of(parent);
  if (!family) return;
  if (parent.final()) {
    for (const JobNumber child : family->some(family->children))
      cancel(child, name_of(parent.number) + ", whose task submitted it, has ended", now);
    return forget_waits(parent);
  }
  std::vector<JobNumber> safe;
  std::vector<std::pair<JobNumber, std::uint64_t>> lost;
  for (const auto& [lease, children] : family->of_leases) {
    // A task may have thousands of children, so they are not examined each time when another lease
    // of the job reports.
    const Lease* whole = leases_.find(lease);
    if (whole && whole->job == parent.number && whole->open.size() == whole->size.tasks) continue;
    for (const auto& [child, task] : children) {
      if (may_run(parent, lease, task)) continue;
      const bool has_result = parent.tasks.ended.contains(task) &&
                              !parent.tasks.failed_set->contains(task) &&
                              !parent.tasks.cancelled_set->contains(task);
      if (has_result)
        safe.push_back(child);
      else
        lost.emplace_back(child, task);
    }
  }
  for (const JobNumber child : safe)
    if (const Job* it = jobs_.find(child)) families_.let_go(*it, parent);
  for (const auto& [child, task] : lost)
    cancel(child,
           "the attempt of task " + std::to_string(task) + " of " + name_of(parent.number) +
               " that submitted it has ended without a result",
           now);
  forget_waits(parent);
}

void Nesting::forget_waits(Job& parent) {
  const Family* family = families_.of(parent);
  if (!family || family->waiting.empty()) return;
  std::vector<wire::LeaseId> over;
  for (const auto& [id, child] : family->waiting)
    if (const Lease* lease = leases_.find(id); !lease || !lease->run.waits) over.push_back(id);
  const bool crowded = parent.phase.nesting.crowded;
  for (const wire::LeaseId& id : over) families_.set_waiting(parent, id, std::nullopt);
  if (!crowded || parent.phase.nesting.crowded || parent.final()) return;
  // It may get leases again; dispatch() has already looked at the jobs that have changed.
  queue_.update(parent);
  context_.dispatch_needed = true;
  context_.retry_dispatch_at(context_.now);
}

void Nesting::cancel(JobNumber number, const std::string& why, Time now) {
  Job* child = jobs_.find(number);
  if (!child || child->final()) return;
  endings_.end(*child, JobState::cancelled, ErrorCode::cancelled, "cancelled: " + why, now);
  jobs_.touch(*child);
}

}  // namespace quern::broker
