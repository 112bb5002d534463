// The edges between the jobs that the broker knows. JobPhase::fed and JobPhase::feeds tell other
// rooms, without a search, whether a job has any.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "broker/core/edges/inflow.hpp"
#include "broker/core/jobs/jobs.hpp"

namespace quern::broker {

class EdgeTable {
 public:
  explicit EdgeTable(Jobs& jobs) : jobs_(jobs) {}

  bool empty() const { return inflows_.empty(); }
  /// What the job takes from others; nullptr: nothing.
  Inflow* of(const Job& job) {
    return const_cast<Inflow*>(static_cast<const EdgeTable*>(this)->of(job));
  }
  const Inflow* of(const Job& job) const {
    if (!job.phase.fed) return nullptr;
    const auto it = inflows_.find(job.number);
    return it == inflows_.end() ? nullptr : &it->second;
  }
  /// The tasks of this job that wait for results. (Those that were cancelled since the last
  /// settle() are still in Inflow::blocked.)
  wire::IntervalSet blocked(const Job& job) const;

  struct Consumers {
    std::vector<JobNumber> takers;   ///< jobs that take results of this one; ascending
    std::vector<JobNumber> waiters;  ///< jobs that start after it; ascending
    std::uint64_t read_to = 0;       ///< its owner has read the result entries below
  };
  const Consumers& consumers_of(const Job& job) const;
  /// All jobs that depend on this one, directly or through others; ascending.
  std::vector<JobNumber> dependants_of(const Job& job) const;

  Inflow& add(Job& job, Inflow inflow);
  /// Sets JobPhase::feeds of this job: whether somebody still needs its results or its end.
  void refresh(Job& job);
  /// Result entries below are needed by no other job.
  std::uint64_t needed_from(const Job& job);
  /// The owner of the job will not read the result entries below again. Returns how many of them
  /// may be dropped now.
  std::uint64_t on_read(const Job& job, std::uint64_t cursor);
  /// Result entries below may be dropped.
  std::uint64_t droppable(const Job& job);
  /// Forgets the edges of jobs that are gone.
  void sweep();

  const std::unordered_map<JobNumber, Inflow>& all() const { return inflows_; }

 private:
  static bool needs(const Job& consumer, const Inflow& inflow, JobNumber job);

  Jobs& jobs_;
  std::unordered_map<JobNumber, Inflow> inflows_;
  std::unordered_map<JobNumber, Consumers> consumers_;
};

}  // namespace quern::broker
