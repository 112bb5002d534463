// How a job is created from an accepted SUBMIT.
#pragma once

#include <cstdint>

#include "broker/core/base/context.hpp"
#include "broker/core/blobs/blobs.hpp"
#include "broker/core/jobs/job_changes.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/jobs/journal.hpp"
#include "broker/core/scheduling/decider.hpp"
#include "broker/core/scheduling/fair_queue.hpp"

namespace quern::broker {

class JobFactory {
 public:
  JobFactory(Context& context, Jobs& jobs, Journal& journal, JobChanges& changes, FairQueue& queue,
             Decider& decider, Blobs& blobs)
      : context_(context),
        jobs_(jobs),
        journal_(journal),
        changes_(changes),
        queue_(queue),
        decider_(decider),
        blobs_(blobs) {}

  /// Creates the job without the payloads that came with it; they stay in `submit`.
  Job& create(const Session& session, const Principal& principal, wire::Submit& submit, Time now);
  /// The commit after which the job's number may be revealed; 0: at once.
  std::uint64_t numbers_commit() const { return journal_.numbers_commit(); }

 private:
  void set_spec(Job& job, wire::Submit& submit, Time now) const;

  Context& context_;
  Jobs& jobs_;
  Journal& journal_;
  JobChanges& changes_;
  FairQueue& queue_;
  Decider& decider_;
  Blobs& blobs_;
};

}  // namespace quern::broker
