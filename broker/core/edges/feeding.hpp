// How results get from the job that produced them to the jobs that take them.
//
// A job that takes results reads the result log of the earlier job with a cursor, as a client does.
// What it has read becomes its input: a slice of the same memory if each result is a task of its
// own. Entries stay in the log until the last reader has passed them (EdgeTable::droppable), so a
// slow consumer holds the producer back through its share of memory for results.
//
// If a result will not come, the tasks that need it fail as `upstream_failed`, and that is a result
// too, which goes on to the next job.
#pragma once

#include <string>
#include <vector>

#include "broker/core/base/context.hpp"
#include "broker/core/edges/edge_table.hpp"
#include "broker/core/endings/cancelling.hpp"
#include "broker/core/jobs/accounts.hpp"
#include "broker/core/jobs/job_changes.hpp"
#include "broker/core/jobs/jobs.hpp"
#include "broker/core/jobs/journal.hpp"
#include "broker/core/scheduling/decider.hpp"
#include "broker/core/scheduling/plan_book.hpp"
#include "broker/core/scheduling/returns.hpp"

namespace quern::broker {

class Feeding {
 public:
  Feeding(Context& context, Jobs& jobs, Accounts& accounts, Journal& journal, JobChanges& changes,
          PlanBook& plans, Decider& decider, Returns& returns, Cancelling& cancelling,
          EdgeTable& table)
      : context_(context),
        jobs_(jobs),
        accounts_(accounts),
        journal_(journal),
        changes_(changes),
        plans_(plans),
        decider_(decider),
        returns_(returns),
        cancelling_(cancelling),
        table_(table) {}

  /// Moves on the results of jobs that have changed, and tells those that wait for their end.
  void advance();
  /// The dispatcher has looked at the jobs that have changed.
  void on_dispatched() { ready_.clear(); }
  /// Has the dispatcher look at the jobs that have got something to run since then. Returns whether
  /// there are any.
  bool touch_ready();
  /// Drops the results of a job that nobody needs any more.
  void drop_results(Job& job);

 private:
  void feed(Job& job);
  /// Moves results to this job.
  void pull(Job& job, Inflow& inflow);
  void leave(Job& job, Inflow& inflow);
  void cancel_blocked(Job& job, Inflow& inflow);
  void pull_results(Job& job, Inflow& inflow);
  void wait(Job& job, Inflow& inflow);
  bool knows_all_tasks(const Job& job, const Inflow& inflow) const;
  /// Fails all its tasks, because a job that has to end first ended badly.
  void stop_all(Job& job, Inflow& inflow, const std::string& why);
  /// The job that the results come from; nullptr: nothing more comes from it.
  Job* find(Job& job, Inflow& inflow, Inflow::Source& source);
  /// It has ended, and all that it left behind has been taken.
  void finish(Job& job, Inflow& inflow, Inflow::Source& source, const Job& from);
  void pull_each(Job& job, Inflow& inflow, Inflow::Source& source);
  /// The source has this many results. Fails the job, and returns false, if these are too many.
  bool gather_all(Job& job, Inflow& inflow, std::uint64_t total, bool closed);
  void pull_gathered(Job& job, Inflow& inflow, Inflow::Source& source);
  void take_entry(Job& job, Inflow& inflow, const ResultEntry& entry);
  void take_places(Inflow& inflow, const Inflow::Source& source, std::uint64_t seq,
                   const ResultEntry& entry);
  void take_errors(Job& job, Inflow& inflow, const Inflow::Source& source, const Job& from,
                   const ResultEntry& entry);
  /// The error takes the place of the results.
  void describe(Job& job, Inflow& inflow, wire::Interval tasks, const TaskError& error,
                JobNumber from);
  void take_value(Job& job, Inflow& inflow, const Inflow::Source& source, const Job& from);
  /// Whether the entry is in memory; requests it if it is not.
  bool is_here(Job& from, std::uint64_t seq);
  void give_up_rest(Job& job, Inflow& inflow, const Inflow::Source& source, const std::string& why);
  /// Puts the input of tasks together whose results are all there. Returns whether there were any.
  bool assemble(Job& job, Inflow& inflow);
  /// Fails tasks that became known only after a result that they need had failed.
  void stop_late(Job& job, Inflow& inflow);
  bool put_together(Job& job, Inflow& inflow, std::uint64_t task, Bytes& payload);
  void note_ready(Job& job);
  /// Whether the broker has no memory for the results that this job waits for. Then it fails.
  bool is_out_of_memory(Job& job);
  /// Whether it has enough to do for now.
  static bool is_fed(const Job& job);
  void grow(Job& job, Inflow& inflow, std::uint64_t total);
  void close(Job& job);
  /// These tasks have their input now.
  void take_in(Job& job, Inflow& inflow, std::uint64_t first, const wire::Batch& batch);
  void stop(Job& job, Inflow& inflow, const wire::Intervals& tasks, const TaskError& why);

  Context& context_;
  Jobs& jobs_;
  Accounts& accounts_;
  Journal& journal_;
  JobChanges& changes_;
  PlanBook& plans_;
  Decider& decider_;
  Returns& returns_;
  Cancelling& cancelling_;
  EdgeTable& table_;
  std::vector<JobNumber> ready_;  ///< jobs that the dispatcher has to look at
  std::vector<JobNumber> due_;    ///< jobs whose news have to be passed on
};

}  // namespace quern::broker
