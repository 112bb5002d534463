// Runs leases, one at a time, on the calling thread. Exceptions of the user's functions become
// errors of tasks here.
#pragma once

#include <functional>
#include <vector>

#include "quern/worker.hpp"
#include "worker/actors/call.hpp"
#include "worker/actors/run.hpp"
#include "worker/actors/throttle.hpp"

namespace quern::worker {

/// A harvest for the lease, with its reducer and the encoding of its function.
Harvest harvest_for(const wire::Lease& lease, const Functions& functions);

class Runner {
 public:
  using Post = std::function<void(wire::Report)>;

  /// `post` takes reports, on the thread of run().
  Runner(const Functions& functions, double cpu_share, Post post)
      : functions_(functions), throttle_(cpu_share), post_(std::move(post)) {}

  /// Runs the lease to its end and posts its reports as they fill; the remaining reports are
  /// returned, the final one marked `last`. A run that was cancelled or fenced returns nothing.
  std::vector<wire::Report> run(Run& run);

 private:
  enum class Step { done, leave };  ///< leave: this slot no longer owns the run

  Step run_lease(Run& run);
  Step run_tasks(Run& run, const FunctionEntry& entry);
  Step run_claim(Run& run, const FunctionEntry& entry, Call& call, Inputs& inputs,
                 wire::Interval& claim);
  Step run_batch(Run& run, const FunctionEntry& entry, Call& call, Inputs& inputs,
                 wire::Interval claim);
  Step run_task(Run& run, const FunctionEntry& entry, Call& call, std::uint64_t task);
  Step run_ranges(Run& run, const FunctionEntry& entry);
  Step run_range(Run& run, const FunctionEntry& entry, Call& call, wire::Interval tasks,
                 unsigned& halvings);
  Step run_merge(Run& run);
  Step run_finish(Run& run);
  Step run_whole(Run& run, const std::function<Bytes()>& work);
  void refuse(Run& run, const std::string& text);
  void flush(Run& run);

  const Functions& functions_;
  Throttle throttle_;
  Post post_;
  Bytes scratch_;  // results of timed calls: the harvest is not touched while one runs
};

}  // namespace quern::worker
