// How a job is created from an accepted SUBMIT.
#pragma once

#include <cstdint>
#include <variant>

#include "broker/core/base/context.hpp"
#include "broker/core/blobs/blobs.hpp"
#include "broker/core/edges/connecting.hpp"
#include "broker/core/jobs/families.hpp"
#include "broker/core/jobs/job_changes.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/jobs/journal.hpp"
#include "broker/core/jobs/start_times.hpp"
#include "broker/core/scheduling/decider.hpp"
#include "broker/core/scheduling/fair_queue.hpp"

namespace quern::broker {

/// Who submits a job, or on whose behalf a task does.
struct Submitter {
  std::string name;  ///< of the principal
  double weight = 1;
  double weight_max = kNoWeightMax;
  const ParentTask* task = nullptr;  ///< nullptr: a client submits it
};

class JobFactory {
 public:
  JobFactory(Context& context, Jobs& jobs, Journal& journal, JobChanges& changes, FairQueue& queue,
             Decider& decider, Blobs& blobs, Connecting& connecting, StartTimes& start_times,
             Families& families)
      : context_(context),
        jobs_(jobs),
        journal_(journal),
        changes_(changes),
        queue_(queue),
        decider_(decider),
        blobs_(blobs),
        connecting_(connecting),
        start_times_(start_times),
        families_(families) {}

  /// What the job takes from others, or why its edges are refused.
  std::variant<Inflow, Refusal> edges_of(const std::string& principal, wire::Submit& submit) const;

  /// Creates the job without the payloads that came with it; they stay in `submit`.
  Job& create(const Session& session, const Submitter& owner, wire::Submit& submit, Inflow inflow,
              Time now);
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
  Connecting& connecting_;
  StartTimes& start_times_;
  Families& families_;
};

}  // namespace quern::broker
