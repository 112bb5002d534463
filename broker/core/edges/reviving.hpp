// Failed tasks of a job run again: so do the tasks of other jobs that failed because of them.
#pragma once

#include "broker/core/edges/edge_table.hpp"
#include "broker/core/endings/endings.hpp"
#include "broker/core/jobs/job_changes.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/scheduling/plan_book.hpp"

namespace quern::broker {

class Reviving {
 public:
  Reviving(Jobs& jobs, JobChanges& changes, PlanBook& plans, Endings& endings, EdgeTable& table)
      : jobs_(jobs), changes_(changes), plans_(plans), endings_(endings), table_(table) {}

  /// These tasks of the job run again, after the job had ended.
  void on_rerun(Job& job, const wire::IntervalSet& again, Time now);
  /// Failed tasks of this job that failed only because of other jobs: those have to run again
  /// first.
  wire::IntervalSet stopped(const Job& job) const;

 private:
  /// Tasks of a job that run again.
  struct Rerun {
    JobNumber job{};
    wire::IntervalSet tasks;
  };
  /// The stopped tasks of a job that takes results of these tasks.
  static wire::IntervalSet taken_by(const Job& job, Inflow& inflow, const Rerun& rerun);
  void revive(Job& job, Inflow& inflow, const wire::IntervalSet& again, Time now);

  Jobs& jobs_;
  JobChanges& changes_;
  PlanBook& plans_;
  Endings& endings_;
  EdgeTable& table_;
};

}  // namespace quern::broker
