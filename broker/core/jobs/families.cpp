#include "broker/core/jobs/families.hpp"

#include "wire/limits.hpp"

namespace quern::broker {

void Families::add(Job& child, const ParentTask& who, Job* parent) {
  child.phase.nesting.depth = who.depth & 0x3f;  // at most kNestingDepthMax
  parents_[child.number] = who;
  if (parent && !child.final()) list(child, *parent);
}

void Families::list(const Job& child, Job& parent) {
  const ParentTask& who = parents_.at(child.number);
  Family& family = families_[parent.number];
  parent.phase.nesting.parental = true;
  if (family.of_job.contains(child.number)) return;
  if (family.of_leases[who.lease].emplace(child.number, who.task).second) ++family.children;
}

void Families::unlist(const Job& child, Job* parent) {
  Family* family = parent ? of(*parent) : nullptr;
  if (!family) return;
  family->children -= family->of_job.erase(child.number);
  const auto some = family->of_leases.find(parents_.at(child.number).lease);
  if (some != family->of_leases.end()) {
    family->children -= some->second.erase(child.number);
    if (some->second.empty()) family->of_leases.erase(some);
  }
  drop_if_empty(*parent);
}

void Families::let_go(const Job& child, Job& parent) {
  unlist(child, &parent);
  Family& family = families_[parent.number];
  parent.phase.nesting.parental = true;
  if (family.of_job.insert(child.number).second) ++family.children;
}

void Families::set_waiting(Job& parent, const wire::LeaseId& lease,
                           std::optional<JobNumber> child) {
  Family& family = families_[parent.number];
  parent.phase.nesting.parental = true;
  if (child)
    family.waiting[lease] = *child;
  else
    family.waiting.erase(lease);
  parent.phase.nesting.crowded = family.waiting.size() >= wire::kWaitingLeasesMax;
  drop_if_empty(parent);
}

void Families::drop_if_empty(Job& parent) {
  const auto it = families_.find(parent.number);
  if (it == families_.end() || !it->second.empty()) return;
  families_.erase(it);
  parent.phase.nesting.parental = parent.phase.nesting.crowded = false;
}

void Families::forget(const Job& job) {
  if (job.phase.nesting.depth > 0) parents_.erase(job.number);
  if (job.phase.nesting.parental) families_.erase(job.number);
}

}  // namespace quern::broker
