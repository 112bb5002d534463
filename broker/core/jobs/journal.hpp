// What of a job is durable, and what of it has to be in memory.
//
// Every change of a durable job becomes an operation of the next commit
// (durability/commit_log.hpp), and the job remembers the sequence of that commit. Leases need less:
// they reveal only that tasks are out, and the frontier covers that ahead of time. So they wait
// only for the intake of their job and for the frontier, which moves in strides.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/core/base/context.hpp"
#include "broker/core/durability/commit_log.hpp"
#include "broker/core/durability/job_numbers.hpp"
#include "broker/core/jobs/eviction.hpp"
#include "broker/core/jobs/jobs.hpp"

namespace quern::broker {

class Journal {
 public:
  Journal(Context& context, CommitLog& commits, JobNumbers& numbers, Jobs& jobs, Eviction& eviction)
      : context_(context), commits_(commits), numbers_(numbers), jobs_(jobs), eviction_(eviction) {}

  /// The number of a new job. With a store, it may be revealed only after numbers_commit().
  JobNumber take_number();
  std::uint64_t numbers_commit() const { return numbers_commit_; }

  /// Adds an operation to the next commit, if the job is durable.
  void persist(Job& job, StoreOp op);
  /// Saves the job's progress in the next commit, if the job is durable.
  void save(Job& job);
  /// Begins a commit, if there is anything to commit and none is under way.
  void seal();
  /// The job is forgotten: its unsaved progress is discarded.
  void forget(JobNumber job) { commits_.forget(job); }

  void append_result(Job& job, ResultEntry entry);
  void keep_partial(Job& job, wire::Interval tasks, const Bytes& value);
  void add_input(Job& job, const wire::Batch& batch, const std::vector<float>& costs = {});
  /// The input of a job that comes from other jobs, in any order.
  void put_input(Job& job, std::uint64_t first, const wire::Batch& batch);
  /// These tasks have ended: their payloads are no longer needed.
  void release_payloads(Job& job, wire::Interval tasks);
  /// Tasks below `end` are about to be leased.
  void advance_frontier(Job& job, std::uint64_t end);

  /// Whether the payload of the next task is in memory. If not, requests it and those that follow.
  bool ready_to_carve(Job& job);
  /// Whether the payloads of these tasks are in memory. If not, requests some of them.
  bool all_resident(Job& job, const wire::IntervalSet& tasks);

 private:
  JobProgress progress_of(const Job& job) const;

  Context& context_;
  CommitLog& commits_;
  JobNumbers& numbers_;
  Jobs& jobs_;
  Eviction& eviction_;
  std::uint64_t numbers_commit_ = 0;  ///< the commit that reserves the numbers
};

}  // namespace quern::broker
