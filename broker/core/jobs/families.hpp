// Which jobs were submitted by tasks of other jobs: the child, and its parent. JobNesting tells
// other rooms, without a search, whether a job is a child or has children.
//
// Owns these relations. What happens to a child when its parent changes is decided in nesting/.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "broker/core/base/persist.hpp"
#include "broker/core/jobs/job.hpp"

namespace quern::broker {

/// The children of a job that have not ended, and which of its leases wait for them.
struct Family {
  /// Submitted under these leases, whose task has no result yet; each with the task.
  std::map<wire::LeaseId, std::map<JobNumber, std::uint64_t>> of_leases;
  std::set<JobNumber> of_job;                  ///< their task has a result: they end with the job
  std::map<wire::LeaseId, JobNumber> waiting;  ///< leases that wait, and for which child
  std::size_t children = 0;                    ///< in `of_leases` and `of_job`

  bool empty() const { return children == 0 && waiting.empty(); }
  /// Some of the children, at most this many; ascending.
  std::set<JobNumber> some(std::size_t most) const {
    std::set<JobNumber> out;
    const auto add = [&](JobNumber child) { return out.size() < most && out.insert(child).second; };
    for (const JobNumber child : of_job)
      if (!add(child)) return out;
    for (const auto& [lease, several] : of_leases)
      for (const auto& [child, task] : several)
        if (!add(child)) return out;
    return out;
  }
};

class Families {
 public:
  /// Who submitted this job; nullptr: a client did, or it is not known.
  const ParentTask* parent_of(const Job& child) const {
    if (child.phase.nesting.depth == 0) return nullptr;
    const auto it = parents_.find(child.number);
    return it == parents_.end() ? nullptr : &it->second;
  }
  /// nullptr: it has no unfinished children, and none of its leases waits.
  Family* of(const Job& parent) {
    return const_cast<Family*>(static_cast<const Families*>(this)->of(parent));
  }
  const Family* of(const Job& parent) const {
    if (!parent.phase.nesting.parental) return nullptr;
    const auto it = families_.find(parent.number);
    return it == families_.end() ? nullptr : &it->second;
  }

  /// A task has submitted the child. `parent` may be nullptr after a restart: it is gone.
  void add(Job& child, const ParentTask& who, Job* parent);
  /// The child has not ended, or no longer: its parent has it among its children.
  void list(const Job& child, Job& parent);
  /// The child has ended.
  void unlist(const Job& child, Job* parent);
  /// The task of the child has a result: the child no longer depends on its lease.
  void let_go(const Job& child, Job& parent);
  /// A lease of the job waits for a child; nothing: it goes on, or has ended.
  void set_waiting(Job& parent, const wire::LeaseId& lease, std::optional<JobNumber> child);
  /// The broker forgets the job.
  void forget(const Job& job);

  std::size_t size() const { return parents_.size(); }

 private:
  void drop_if_empty(Job& parent);

  std::unordered_map<JobNumber, ParentTask> parents_;  ///< by child; as long as the child is known
  std::unordered_map<JobNumber, Family> families_;     ///< by parent
};

}  // namespace quern::broker
