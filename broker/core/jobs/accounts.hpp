// What jobs use: memory in total, and what counts against the quota of each principal; and how much
// more input each stream may send.
//
// Every change of what a job holds, or of its number of tasks, must be followed by a call of
// update().
#pragma once

#include <cstdint>
#include <unordered_map>

#include "broker/core/access/quotas.hpp"
#include "broker/core/base/context.hpp"
#include "broker/core/jobs/job.hpp"

namespace quern::broker {

class Accounts {
 public:
  Accounts(Context& context, Quotas& quotas) : context_(context), quotas_(quotas) {}

  /// Records what the job uses now.
  void update(Job& job);
  /// What the core holds for the job elsewhere, in bytes; for jobs that take results of others.
  void set_extra(Job& job, std::uint64_t bytes);
  /// The job is about to be forgotten.
  void remove(Job& job);

  std::uint64_t memory_used() const { return memory_used_; }  ///< bytes
  /// All jobs and their tasks.
  const Census& census() const { return census_; }
  /// Bytes of results in memory, of the jobs that this session owns.
  std::uint64_t unread_of(wire::SessionId session) const;

  /// Raises the credit of an open job as far as memory and quotas allow.
  void grant_credit(Job& job, Time now);
  /// How many more bytes of the job's input the quota of its principal allows.
  std::uint64_t quota_room(const Job& job, Time now);
  /// How many more bytes of the job's input fit in memory.
  std::uint64_t memory_room(const Job& job) const;

 private:
  static CountedAs counted_as(const Job& job);
  std::uint64_t extra_of(const Job& job) const;
  void update_unread(Job& job, std::uint64_t bytes);

  Context& context_;
  Quotas& quotas_;
  std::uint64_t memory_used_ = 0;
  Census census_;
  std::unordered_map<wire::SessionId, std::uint64_t> unread_of_;
  std::unordered_map<JobNumber, std::uint64_t> extra_;  ///< of jobs with JobPhase::fed
};

}  // namespace quern::broker
