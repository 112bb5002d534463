// How long ended jobs are kept, and in what order they are forgotten.
//
// A job whose client followed it to its end has been read: it is kept for an hour, for anyone who
// wants to look at it. The results of a detached job, or of one with an idempotency key, are
// fetched later: it is kept for a week, or for its time to live, as long as all such jobs together
// fit into a budget of bytes.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "broker/core/base/context.hpp"
#include "broker/core/jobs/jobs.hpp"

namespace quern::broker {

class KeptJobs {
 public:
  KeptJobs(Context& context, const Jobs& jobs) : context_(context), jobs_(jobs) {}

  /// The job has ended.
  void keep(Job& job);
  /// The job is forgotten, or runs again.
  void let_go(Job& job);
  /// When an ended job is forgotten.
  Time expires(const Job& job) const;
  /// A job that has to be forgotten now. The caller forgets it.
  std::optional<JobNumber> next_expired(Time now);

  /// The job has ended and its client is gone: nobody reads its results after `when`.
  void drop_results_at(const Job& job, Time when) { unread_.emplace(when, job.number); }
  /// A job whose results nobody reads any more; each is returned once.
  std::optional<JobNumber> next_unread(Time now);

 private:
  static bool is_fetched_later(const Job& job);
  bool over_budget() const;

  Context& context_;
  const Jobs& jobs_;
  std::deque<JobNumber> finished_;  ///< followed to their end, in the order in which they ended
  std::set<std::pair<Time, JobNumber>> kept_;  ///< the others, by when they are forgotten
  std::uint64_t in_store_ = 0;                 ///< bytes of their results in the store
  std::uint64_t in_memory_ = 0;                ///< the same for jobs that are not durable
  std::multimap<Time, JobNumber> unread_;
};

}  // namespace quern::broker
