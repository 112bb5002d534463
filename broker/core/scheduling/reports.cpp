#include "broker/core/scheduling/reports.hpp"

#include <algorithm>

namespace quern::broker {
namespace {

using wire::Interval;

using wire::Intervals;

// A worker may claim at most this many times less slot time than has passed, and this much on top:
// round trips and network stalls take time too.
constexpr double kClaimSlack = 4;

constexpr double kClaimGrace = 0.050;

/// The parts of `tasks` that are wanted. A folded interval was reported earlier as a whole or not
/// at all.
Intervals only(const Intervals& tasks, const wire::IntervalSet& wanted, bool folded) {
  Intervals out;
  for (const auto& interval : tasks) {
    for (const auto& part : wanted.intersect(interval))
      if (!folded || part == interval) out.push_back(part);
  }
  return out;
}

/// Removes what is not wanted from a report: results of tasks that are not in `results`, and the
/// output of failed tasks that are not in `failures`.
void keep_only(wire::Report& report, const wire::IntervalSet& results,
               const wire::IntervalSet& failures) {
  wire::BatchBuilder builder;
  wire::BatchReader reader(report.batch);
  const auto keep = [&](const Intervals& tasks, const wire::IntervalSet& wanted) {
    for (const auto& interval : tasks) {
      for (std::uint64_t i = interval.begin; i < interval.end;
           i = report.partial ? interval.end : i + 1) {
        const BytesView payload = reader.next();
        if (report.partial ? wanted.contains(interval) : wanted.contains(i)) builder.add(payload);
      }
    }
  };
  keep(report.tasks, results);
  keep(report.written, failures);
  report.batch = builder.take();
  report.tasks = only(report.tasks, results, report.partial);
  report.written = only(report.written, failures, false);
}

/// Drops the output of failed tasks that will run again: nobody needs it.
void keep_written(wire::Report& report, const std::vector<TaskError>& final_errors) {
  if (report.written.empty()) return;
  wire::IntervalSet failures;
  for (const auto& error : final_errors) failures.add({error.first, error.first + error.count});
  if (std::all_of(report.written.begin(), report.written.end(),
                  [&](const auto& tasks) { return failures.contains(tasks); }))
    return;
  keep_only(report, wire::IntervalSet(report.tasks), failures);
}

}  // namespace

void Reports::on_report(Session& session, wire::Report&& report, Time now) {
  Worker& worker = *session.worker;
  Lease* lease = leases_.find(report.id.lease);
  if (lease && lease->worker != session.id) {
    // Only its own worker was ever told of this lease.
    access_.record(session.peer, session.principal, "report", "another worker's lease", false,
                   "the worker does not hold this lease");
    conduct_.offend(session.peer, session.user, 1, "reports on other workers' leases", now);
  }
  if (!lease || lease->worker != session.id) {
    // The lease was revoked, or lost and granted to another worker: the first accepted result
    // counts. The worker discards its result when it gets the acknowledgement, so that waits until
    // the accepted result is durable.
    ++context_.counters.late;
    outbox_.send(session, wire::Reported{{report.id}}, commits_.latest());
    return;
  }
  // If the lease is from an earlier incarnation, the first part that arrives here is the first one
  // that was not acknowledged.
  if (lease->reports.adopted) {
    lease->reports.adopted = false;
    lease->reports.next_part = report.id.part;
  }
  // An earlier part is sent again if its acknowledgement was lost.
  if (report.id.part < lease->reports.next_part) {
    outbox_.send(session, wire::Reported{{report.id}}, jobs_.at(lease->job).commits.latest);
    return;
  }
  if (!is_honest(*lease, report)) {
    conduct_.misbehaved(session, ErrorCode::malformed,
                        "invalid report: it names tasks or parts that do not belong to its lease, "
                        "or reduces results that must stay separate",
                        now);
    return;
  }
  const wire::ReportId id = report.id;
  ++lease->reports.next_part;
  lease->size.reported += wire::size(report.tasks);
  Job& job = jobs_.at(lease->job);
  learn(worker, job, *lease, report, now);
  if (has_rival(*lease) && lease->rival.speculative && !report.errors.empty()) {
    // The outcome of the task is decided by the original lease: as long as that one runs, the
    // failure of a speculative attempt means nothing.
    attempts_.leave_to_other(*lease, now);
    if (!report.last) outbox_.send(session, wire::Revoke{{lease->id}}, job.commits.leases);
    returns_.close(*lease, "given back");
    outbox_.send(session, wire::Reported{{report.id}}, job.commits.latest);
    jobs_.touch(job);
    context_.dispatch_needed = true;
    return;
  }
  const JobChange change = changes_.begin(job);
  if (has_rival(*lease)) {
    if (!report.tasks.empty() || !report.errors.empty())
      returns_.drop_other(*lease, now);
    else if (report.last)
      attempts_.leave_to_other(*lease, now);
  }

  if (lease->kind == wire::LeaseKind::merge || lease->kind == wire::LeaseKind::finish) {
    accept_merge(job, *lease, report);
    returns_.close(*lease);
  } else {
    accept_tasks(job, worker, *lease, std::move(report), now);
  }
  outbox_.send(session, wire::Reported{{id}}, job.commits.latest);
  context_.dispatch_needed = true;
}

bool Reports::is_honest(const Lease& lease, const wire::Report& report) const {
  const auto leased = [&](Interval tasks) {
    if (lease.open.contains(tasks)) return true;
    const Intervals missing = lease.open.missing(tasks);
    return std::all_of(missing.begin(), missing.end(),
                       [&](Interval part) { return lease.cancelled.contains(part); });
  };
  // One payload for several tasks is a valid result only if the results are folded.
  const bool one_each = takes_resources(lease) && !jobs_.at(lease.job).output.partials;
  return report.id.part == lease.reports.next_part && !(report.partial && one_each) &&
         std::all_of(report.tasks.begin(), report.tasks.end(), leased) &&
         std::all_of(report.errors.begin(), report.errors.end(), [&](const TaskError& e) {
           return leased({e.first, e.first + e.count});
         });
}

void Reports::accept_tasks(Job& job, Worker& worker, Lease& lease, wire::Report&& report,
                           Time now) {
  if (!lease.cancelled.empty()) {
    keep_only(report, lease.open, lease.open);
    std::erase_if(report.errors, [&](const TaskError& e) {
      return !lease.open.contains({e.first, e.first + e.count});
    });
  }
  for (const auto& tasks : report.tasks) job.tasks.leased -= lease.open.remove(tasks);
  for (const auto& e : report.errors)
    job.tasks.leased -= lease.open.remove({e.first, e.first + e.count});
  accept_results(job, worker, report);
  std::vector<TaskError> final_errors;
  returns_.fail_tasks(job, lease, report.errors, final_errors, now);
  if (!job.output.partials && (!report.tasks.empty() || !final_errors.empty())) {
    keep_written(report, final_errors);
    journal_.append_result(job, {.tasks = std::move(report.tasks),
                                 .errors = std::move(final_errors),
                                 .written = std::move(report.written),
                                 .batch = std::move(report.batch)});
  } else if (!final_errors.empty()) {
    journal_.append_result(job, {.errors = std::move(final_errors)});
  }
  if (report.last) {
    for (const auto& tasks : lease.open.list()) returns_.give_back(job, lease, tasks, now);
    lease.open.clear();
    returns_.close(lease);
  }
}

void Reports::accept_results(Job& job, Worker& worker, wire::Report& report) {
  wire::BatchReader reader(report.batch);
  std::optional<std::string> trouble;
  for (const auto& tasks : report.tasks) {
    if (job.output.partials) {
      if (report.partial) {
        Bytes value(reader.next());
        trouble = job.output.partials->add(tasks, value);
        if (!trouble) journal_.keep_partial(job, tasks, value);
      } else {
        const auto builtin = wire::builtin_reducer(job.run.decision->reduce);
        for (std::uint64_t i = tasks.begin; i < tasks.end && !trouble; ++i) {
          Bytes one(reader.next());
          if (builtin) {
            if (auto error = wire::begin_partial(*builtin, job.run.decision->encoding, one))
              trouble = error->text;
          }
          if (trouble) break;
          trouble = job.output.partials->add({i, i + 1}, one);
          // Pieces that are joined at once are saved in their final state, at the end of the run.
          const bool joined = builtin && !job.output.partials->joins_lazily() && i + 1 < tasks.end;
          if (!trouble && !joined) journal_.keep_partial(job, {i, i + 1}, one);
        }
      }
    }
    returns_.end_tasks(job, tasks);
    job.tasks.done += tasks.size();
    context_.metrics.of(job.spec.function).tasks_done += tasks.size();
    if (trouble) {
      job.fail(ErrorCode::failed, "reducer `" + job.run.decision->reduce + "`: " + *trouble);
      break;
    }
  }
  worker.speed.tasks_done += wire::size(report.tasks);
}

void Reports::accept_merge(Job& job, Lease& lease, wire::Report& report) {
  const Interval tasks = lease.open.first();
  const bool finish = lease.kind == wire::LeaseKind::finish;
  if (report.batch.count() == 1) {
    Bytes value(wire::BatchReader(report.batch).next());
    if (finish) {
      job.output.value.emplace(wire::Buffer::adopt(std::move(value)));
    } else {
      journal_.persist(job, PutPartial{job.number, tasks, value});
      job.output.partials->replace(tasks, std::move(value));
    }
    return;
  }
  // It was handed back without having run, or it failed.
  if (finish)
    job.output.finishing = false;
  else
    job.output.partials->put_back(tasks);
  if (report.errors.empty()) return;
  const bool permanent = report.errors[0].code == ErrorCode::permanent;
  if (++job.attempts.mishaps.edit().merge_failures >= job.spec.options->attempts || permanent) {
    job.fail(report.errors[0].code,
             (finish ? "finishing `" + job.spec.function : "reducer `" + job.run.decision->reduce) +
                 "`: " + report.errors[0].text);
  }
}

double Reports::believable_s(Worker& worker, const Lease& lease, const wire::Report& report,
                             Time now) {
  // Leases run in order, so what is reported now has run since the worker's last report or since
  // the grant, whichever came later. A claim of far less slot time would make a slow worker look
  // fast and attract all work to it.
  const double claimed = static_cast<double>(report.busy_us) / 1e6;
  const double ran =
      std::chrono::duration<double>(now - std::max(lease.granted, worker.speed.reported)).count();
  worker.speed.reported = now;
  if (claimed * kClaimSlack + kClaimGrace >= ran) return claimed;
  ++worker.speed.implausible;
  return ran;
}

double Reports::work_of(const Job& job, const wire::Report& report) {
  double work = job.work_of(report.tasks);
  for (const auto& error : report.errors)
    work += job.work_of(wire::Intervals{{error.first, error.first + error.count}});
  return work;
}

void Reports::learn(Worker& worker, Job& job, const Lease& lease, const wire::Report& report,
                    Time now) {
  const double busy_s = believable_s(worker, lease, report, now);
  std::uint64_t tasks = wire::size(report.tasks);
  for (const auto& error : report.errors) tasks += error.count;
  WorkerShare& share = job.effort.shares.of(worker, job.number);
  share.slots = worker.declared.offer.capacity.slots;
  share.busy_us += report.busy_us;
  if (lease.kind == wire::LeaseKind::merge || lease.kind == wire::LeaseKind::finish) return;
  const Pool::Member* member = job.run.pool ? job.run.pool->of(worker) : nullptr;
  FunctionRecord& record =
      member ? *member->record
             : worker.speed
                   .records[job.run.pool ? job.run.pool->need().record_name() : job.spec.function];
  record.tasks += tasks;
  record.busy_us += report.busy_us;
  share.tasks += tasks;
  if (report.last) {
    ++record.leases;
    ++share.leases;
  }
  // The time of people says nothing about the next task, and is no time of a machine that others
  // could have had.
  if (member && member->people) {
    job.effort.work_done += work_of(job, report);
    job.effort.busy_s += busy_s;
    return;
  }
  // A task that exceeded its time limit says nothing about the speed of the others.
  const bool timed_out =
      std::any_of(report.errors.begin(), report.errors.end(),
                  [](const TaskError& e) { return e.code == ErrorCode::timeout; });
  if (tasks > 0 && timed_out) job.effort.work_done += work_of(job, report);
  if (tasks > 0 && !timed_out) {
    const double work = work_of(job, report);
    job.effort.work_done += work;
    record.rate.learn(work, busy_s, static_cast<double>(tasks), worker.available());
    fitness_.learnt(worker, job, record);
    // Only a lease reported in one piece relates its payload bytes to its slot time.
    if (job.has_payloads() && !job.spec.costed && report.last && lease.reports.next_part == 1 &&
        tasks == lease.size.tasks && record.relative > 0)
      costs_.learn(job, static_cast<double>(tasks), static_cast<double>(lease.size.payload),
                   busy_s * record.relative);
  }
  share.rate = record.rate.per_second();
  queue_.charge(job, busy_s);
  job.effort.busy_s += busy_s;
}

void Reports::on_reclaimed(Session& session, const wire::Reclaimed& reclaimed, Time now) {
  Lease* lease = leases_.find(reclaimed.lease);
  if (!lease || lease->worker != session.id) return;
  lease->reclaim.asked = false;
  if (lease->kind == wire::LeaseKind::merge || lease->kind == wire::LeaseKind::finish) return;
  Job& job = jobs_.at(lease->job);
  // The tasks were asked for before the speculative attempt started, which keeps them now.
  if (has_rival(*lease))
    return attempts_.leave_to_other(*lease, now), returns_.close(*lease, "given back");
  for (const auto& tasks : reclaimed.tasks) {
    for (const auto& part : lease->open.intersect(tasks)) {
      lease->open.remove(part);
      returns_.give_back(job, *lease, part, now);
    }
  }
  jobs_.touch(job);
  context_.dispatch_needed = true;
}

}  // namespace quern::broker
