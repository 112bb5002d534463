// What workers answer: reports, tasks given back; and what happens to the tasks of a lease that is
// lost.
#include <algorithm>

#include "broker/core/core.hpp"

namespace quern::broker {
namespace {

using std::chrono::milliseconds;
using wire::Interval;
using wire::Intervals;

constexpr milliseconds kBackoffMax{10'000};
// A worker may claim so many times less than the time that passed, and so much on top: round trips,
// stalls of a network.
constexpr double kClaimSlack = 4;
constexpr double kClaimGrace = 0.050;
// A failing run of a range is halved until its culprits stand alone, so that only they fail; a job
// with this many failed tasks is past saving, and its failing runs fail as they are.
constexpr std::uint64_t kIsolatedFailures = 256;
// Costs are foreseen from the size of payloads for jobs of at most so many tasks: it is done in one
// go.
constexpr std::uint64_t kForeseenMost = 200'000;

milliseconds backoff_of(std::uint32_t first_ms, std::uint32_t failures) {
  const std::uint64_t ms = static_cast<std::uint64_t>(first_ms) << std::min(failures - 1, 20u);
  return std::min(kBackoffMax, milliseconds(ms));
}

/// The parts of `tasks` that are wanted. A folded interval was reported before as a whole or not at
/// all.
Intervals only(const Intervals& tasks, const wire::IntervalSet& wanted, bool folded) {
  Intervals out;
  for (const auto& interval : tasks) {
    for (const auto& part : wanted.intersect(interval))
      if (!folded || part == interval) out.push_back(part);
  }
  return out;
}

/// Takes what is not wanted out of a report: results of tasks that are not in `results`, output of
/// failed tasks not in `failures`.
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

/// The output of failed tasks that will run again is of no interest.
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

Lease* Core::find_lease(wire::LeaseId id) {
  auto it = leases_.find(id);
  return it == leases_.end() ? nullptr : &it->second;
}

std::vector<Lease*> Core::leases_of(const Job& job) {
  std::vector<Lease*> out;
  if (job.leases_out == 0) return out;
  for (auto& [id, lease] : leases_)
    if (lease.job == job.number) out.push_back(&lease);
  std::sort(out.begin(), out.end(), [](const Lease* a, const Lease* b) { return a->id < b->id; });
  return out;
}

std::vector<const Lease*> Core::leases_of(const Job& job) const {
  const auto leases = const_cast<Core*>(this)->leases_of(job);
  return {leases.begin(), leases.end()};
}

void Core::on_report(Session& session, wire::Report&& report, Time now) {
  Worker& worker = *session.worker;
  Lease* lease = find_lease(report.id.lease);
  if (lease && lease->worker != session.id) {
    // Nobody but its worker was ever told of this lease.
    record(session.peer, session.principal, "report", "a lease of another worker", false,
           "it does not hold this lease");
    offend(session.peer, session.user, 1, "reports of leases that are others'", now);
  }
  if (!lease || lease->worker != session.id) {
    // The lease was revoked, or lost and given to another: the first accepted result stands.
    // The worker lets go of it then, so not before what stands in its place is safe.
    ++counters_.late;
    send(session, wire::Reported{{report.id}}, commits_.latest());
    return;
  }
  if (lease->adopted) {  // of an earlier incarnation: its first part here is the first one that was
                         // not acknowledged
    lease->adopted = false;
    lease->next_part = report.id.part;
  }
  if (report.id.part < lease->next_part) {  // sent again because our answer was lost
    send(session, wire::Reported{{report.id}}, jobs_.at(lease->job).ticket);
    return;
  }
  const auto leased = [&](Interval tasks) {
    if (lease->open.contains(tasks)) return true;
    const Intervals missing = lease->open.missing(tasks);
    return std::all_of(missing.begin(), missing.end(),
                       [&](Interval part) { return lease->cancelled.contains(part); });
  };
  // One payload for several tasks is a result only where they are folded.
  const bool one_each = lease->kind != wire::LeaseKind::merge &&
                        lease->kind != wire::LeaseKind::finish && !jobs_.at(lease->job).partials;
  const bool honest =
      report.id.part == lease->next_part && !(report.partial && one_each) &&
      std::all_of(report.tasks.begin(), report.tasks.end(), leased) &&
      std::all_of(report.errors.begin(), report.errors.end(), [&](const TaskError& e) {
        return leased({e.first, e.first + e.count});
      });
  if (!honest) {
    misbehaved(session, ErrorCode::malformed,
               "a report names tasks or parts that are not of its lease, or folds what is not to "
               "be folded",
               now);
    return;
  }
  ++lease->next_part;
  lease->reported_tasks += wire::size(report.tasks);
  Job& job = jobs_.at(lease->job);
  learn(worker, job, *lease, report, now);
  if (has_twin(*lease) && lease->copy && !report.errors.empty()) {
    // What became of the task decides who had it first: as long as that one runs, a copy that fails
    // says nothing.
    leave_to_twin(*lease, now);
    if (!report.last) send(session, wire::Revoke{{lease->id}}, job.lease_ticket);
    close_lease(*lease, "given back");
    send(session, wire::Reported{{report.id}}, job.ticket);
    touch(job);
    dispatch_needed_ = true;
    return;
  }
  if (has_twin(*lease)) {
    if (!report.tasks.empty() || !report.errors.empty())
      drop_twin(*lease, now);
    else if (report.last)
      leave_to_twin(*lease, now);
  }

  if (lease->kind == wire::LeaseKind::merge || lease->kind == wire::LeaseKind::finish) {
    accept_merge(job, *lease, report);
    close_lease(*lease);
  } else {
    if (!lease->cancelled.empty()) {
      keep_only(report, lease->open, lease->open);
      std::erase_if(report.errors, [&](const TaskError& e) {
        return !lease->open.contains({e.first, e.first + e.count});
      });
    }
    for (const auto& tasks : report.tasks) job.leased -= lease->open.remove(tasks);
    for (const auto& e : report.errors)
      job.leased -= lease->open.remove({e.first, e.first + e.count});
    accept_results(job, worker, report);
    std::vector<TaskError> final_errors;
    fail_tasks(job, *lease, report.errors, final_errors, now);
    if (!job.partials && (!report.tasks.empty() || !final_errors.empty())) {
      keep_written(report, final_errors);
      append_result(job, {.tasks = std::move(report.tasks),
                          .errors = std::move(final_errors),
                          .written = std::move(report.written),
                          .batch = std::move(report.batch)});
    } else if (!final_errors.empty()) {
      append_result(job, {.errors = std::move(final_errors)});
    }
    if (report.last) {
      for (const auto& tasks : lease->open.list()) give_back(job, *lease, tasks, now);
      lease->open.clear();
      close_lease(*lease);
    }
  }
  account(job);
  save(job);
  send(session, wire::Reported{{report.id}}, job.ticket);
  touch(job);
  dispatch_needed_ = true;
  if (job.failure != ErrorCode::none && !job.final())
    end_job(job, JobState::failed, job.failure, job.reason, now);
}

void Core::accept_results(Job& job, Worker& worker, wire::Report& report) {
  wire::BatchReader reader(report.batch);
  std::optional<std::string> trouble;
  for (const auto& tasks : report.tasks) {
    if (job.partials) {
      if (report.partial) {
        Bytes value(reader.next());
        trouble = job.partials->add(tasks, value);
        if (!trouble) keep_partial(job, tasks, value);
      } else {
        const auto builtin = wire::builtin_reducer(job.decision->reduce);
        for (std::uint64_t i = tasks.begin; i < tasks.end && !trouble; ++i) {
          Bytes one(reader.next());
          if (builtin) {
            if (auto error = wire::begin_partial(*builtin, job.decision->encoding, one))
              trouble = error->text;
          }
          if (trouble) break;
          trouble = job.partials->add({i, i + 1}, one);
          // Pieces that are joined at once are kept as they are at the end of the run.
          const bool joined = builtin && !job.partials->joins_lazily() && i + 1 < tasks.end;
          if (!trouble && !joined) keep_partial(job, {i, i + 1}, one);
        }
      }
    }
    end_tasks(job, tasks);
    job.done += tasks.size();
    if (trouble) {
      job.failure = ErrorCode::failed;
      job.reason = "reducer `" + job.decision->reduce + "`: " + *trouble;
      break;
    }
  }
  worker.tasks_done += wire::size(report.tasks);
}

void Core::end_tasks(Job& job, Interval tasks) {
  job.ended.add(tasks);
  if (job.has_payloads()) release_payloads(job, tasks);
  job.attempts.forget(tasks);
  job.crashes.forget(tasks);
}

void Core::end_failed(Job& job, Interval tasks) {
  job.ended.add(tasks);
  job.failed_tasks.edit().add(tasks);  // their payloads stay: they may be tried again (RETRY)
  job.failed += tasks.size();
  job.attempts.forget(tasks);
  job.crashes.forget(tasks);
}

void Core::end_lost(Job& job, Interval tasks, std::vector<TaskError>& errors) {
  end_failed(job, tasks);
  errors.push_back(
      {tasks.begin, tasks.size(), ErrorCode::lost_worker,
       "its worker was lost; it may have been started, and the job allows one start only"});
}

void Core::keep_partial(Job& job, Interval tasks, const Bytes& value) {
  if (!job.durable()) return;
  Partials::Kept kept = job.partials->kept(tasks, value);
  persist(job, PutPartial{job.number, kept.tasks, std::move(kept.value)});
}

bool Core::may_be_elsewhere(const Lease& lease, Time now) const {
  return lease.id.incarnation < config_.incarnation && now < recovered_until_;
}

void Core::set_unsure(Job& job, Interval tasks) {
  if (job.unsure->empty()) unsure_.emplace(recovered_until_, job.number);
  job.unsure.edit().add(tasks);
}

void Core::fail_tasks(Job& job, const Lease& lease, const std::vector<TaskError>& errors,
                      std::vector<TaskError>& final_errors, Time now) {
  for (const auto& error : errors) {
    const std::uint64_t end = error.first + error.count;
    for (std::uint64_t at = error.first; at < end;) {
      const Interval run{at, job.attempts.run_end(at, end)};
      at = run.end;
      // The attempt is the lease's: the same failure, reported again to a restarted broker, does
      // not count twice.
      const std::uint32_t failures = std::max(lease.attempt, job.attempts.at(run.begin));
      const bool one_call =
          job.decision->takes == Takes::range && run.size() > 1 && !job.options->at_most_once;
      const bool last_attempt =
          failures >= job.options->attempts || error.code == ErrorCode::permanent;
      if (last_attempt && (!one_call || job.failed >= kIsolatedFailures)) {
        end_failed(job, run);
        final_errors.push_back({run.begin, run.size(), error.code, error.text});
        continue;
      }
      job.attempts.set(run, last_attempt ? failures - 1 : failures);
      if (one_call) job.suspects.edit()[run.begin] = {run.end, (run.size() + 1) / 2};
      // The broker before this one may have heard of it already, and another worker have the next
      // attempt.
      if (may_be_elsewhere(lease, now)) {
        set_unsure(job, run);
        continue;
      }
      const Time due = now + backoff_of(job.options->backoff_ms, failures);
      job.backing_off.edit().emplace(due, run);
      backing_off_.emplace(due, job.number);
      job.mishaps.edit().retried += run.size();
    }
  }
}

void Core::accept_merge(Job& job, Lease& lease, wire::Report& report) {
  const Interval tasks = lease.open.first();
  const bool finish = lease.kind == wire::LeaseKind::finish;
  if (report.batch.count() == 1) {
    Bytes value(wire::BatchReader(report.batch).next());
    if (finish) {
      job.value.emplace(wire::Buffer::adopt(std::move(value)));
    } else {
      persist(job, PutPartial{job.number, tasks, value});
      job.partials->replace(tasks, std::move(value));
    }
    return;
  }
  // Handed back unrun, or it failed.
  if (finish)
    job.finishing = false;
  else
    job.partials->put_back(tasks);
  if (report.errors.empty()) return;
  if (++job.mishaps.edit().merge_failures >= job.options->attempts) {
    job.failure = report.errors[0].code;
    job.reason = (finish ? "finishing `" + job.function : "reducer `" + job.decision->reduce) +
                 "`: " + report.errors[0].text;
  }
}

void Core::give_back(Job& job, const Lease& lease, Interval tasks, Time now) {
  if (!may_be_elsewhere(lease, now)) return give_back(job, tasks);
  job.leased -= tasks.size();
  set_unsure(job, tasks);
}

void Core::give_back(Job& job, Interval tasks) {
  job.leased -= tasks.size();
  job.pending.add(tasks);
  changed_for_plan(job);
}

double Core::believable_s(Worker& worker, const Lease& lease, const wire::Report& report,
                          Time now) {
  // Leases run in order, so what is reported now ran since the worker's last report or since it was
  // granted, whichever came later. A claim of far less slot time than that would make a slow worker
  // look fast, and draw all work to it.
  const double claimed = static_cast<double>(report.busy_us) / 1e6;
  const double ran =
      std::chrono::duration<double>(now - std::max(lease.granted, worker.reported)).count();
  worker.reported = now;
  if (claimed * kClaimSlack + kClaimGrace >= ran) return claimed;
  ++worker.implausible;
  return ran;
}

double Core::work_of(const Job& job, const wire::Report& report) {
  double work = job.work_of(report.tasks);
  for (const auto& error : report.errors)
    work += job.work_of(wire::Intervals{{error.first, error.first + error.count}});
  return work;
}

void Core::learn(Worker& worker, Job& job, const Lease& lease, const wire::Report& report,
                 Time now) {
  const double busy_s = believable_s(worker, lease, report, now);
  std::uint64_t tasks = wire::size(report.tasks);
  for (const auto& error : report.errors) tasks += error.count;
  WorkerShare& share = job.shares.of(worker, job.number);
  share.slots = worker.offer.capacity.slots;
  share.busy_us += report.busy_us;
  if (lease.kind == wire::LeaseKind::merge || lease.kind == wire::LeaseKind::finish) return;
  const Pool::Member* member = job.pool ? job.pool->of(worker) : nullptr;
  FunctionRecord& record =
      member ? *member->record
             : worker.records[job.pool ? job.pool->need().record_name() : job.function];
  record.tasks += tasks;
  record.busy_us += report.busy_us;
  share.tasks += tasks;
  if (report.last) {
    ++record.leases;
    ++share.leases;
  }
  // A task that ignored its time limit says nothing about how fast the others are.
  const bool timed_out =
      std::any_of(report.errors.begin(), report.errors.end(),
                  [](const TaskError& e) { return e.code == ErrorCode::timeout; });
  if (tasks > 0 && timed_out) job.work_done += work_of(job, report);
  if (tasks > 0 && !timed_out) {
    const double work = work_of(job, report);
    job.work_done += work;
    record.rate.learn(work, busy_s, static_cast<double>(tasks), worker.available());
    learnt(worker, job, record);
    if (job.has_payloads() && !job.costed && report.last && lease.next_part == 1 &&
        tasks == lease.granted_tasks && record.relative > 0)
      learn_payload_cost(job, static_cast<double>(tasks), static_cast<double>(lease.payload),
                         busy_s * record.relative);
  }
  share.rate = record.rate.per_second();
  turns_.charge(job, busy_s);
  job.busy_s += busy_s;
}

void Core::learn_payload_cost(Job& job, double tasks, double bytes, double seconds) {
  PayloadCost& cost = payload_costs_[job.function];
  const bool before = cost.explains();
  cost.learn(tasks, bytes, seconds);
  if (before || !cost.explains()) return;
  for (JobNumber number : live_) {
    Job& other = jobs_.at(number);
    if (other.function == job.function) foresee_costs(other);
  }
}

const PayloadCost* Core::payload_cost_of(const Job& job) const {
  if (job.costed || !job.decision || job.decision->takes != Takes::item || !job.has_payloads())
    return nullptr;
  const auto known = payload_costs_.find(job.function);
  return known == payload_costs_.end() || !known->second.explains() ? nullptr : &known->second;
}

void Core::foresee_costs(Job& job) {
  const PayloadCost* cost = payload_cost_of(job);
  if (!cost || job.accepted > kForeseenMost) return;
  CostHints& costs = job.costs.edit();
  costs.assign(job.accepted, 1);
  job.payloads.each_size([&](std::uint64_t task, std::uint32_t bytes) {
    if (task < costs.size()) costs.set(task, cost->of(bytes));
  });
  changed_for_plan(job);
}

void Core::foresee_costs(Job& job, const wire::Batch& more) {
  const PayloadCost* cost = payload_cost_of(job);
  if (!cost || job.costs->size() != job.accepted || job.accepted + more.count() > kForeseenMost)
    return;
  for (std::uint64_t i = 0; i < more.count(); ++i) job.costs.edit().add(cost->of(more.sizes.at(i)));
}

void Core::close_lease(Lease& lease, const char* outcome) {
  if (has_twin(lease)) unlink_twin(lease);
  if (lease.doubted) forget_doubt(lease);
  Job& job = jobs_.at(lease.job);
  if (lease.scout && job.pool) --job.pool->scouts;
  if (lease.held_by) {
    Worker& worker = *lease.held_by;
    if (takes_resources(lease))
      job.timeline.add(worker.name, worker.slots(), lease.granted, clock_, lease.first,
                       lease.reported_tasks, outcome);
    worker.let_go(lease);
    if (job.pool && takes_resources(lease)) job.pool->need().count(worker, -1);
    note_room(worker);
  }
  turns_.expect(job, -lease.expected_s);
  --job.leases_out;
  leases_.erase(wire::LeaseId(lease.id));
}

void Core::lose_lease(wire::LeaseId id, Loss loss) {
  Lease* lease = find_lease(id);
  if (!lease) return;
  ++counters_.leases_lost;
  Job& job = jobs_.at(lease->job);
  if (has_twin(*lease))
    unlink_twin(*lease);  // the tasks go on there
  else if (lease->kind == wire::LeaseKind::merge) {
    job.partials->put_back(lease->open.first());
  } else if (lease->kind == wire::LeaseKind::finish) {
    job.finishing = false;
  } else if (job.options->at_most_once && loss != Loss::never_arrived) {
    // It may have been started, so it is not started again.
    std::vector<TaskError> errors;
    for (const auto& tasks : lease->open.list()) {
      job.leased -= tasks.size();
      end_lost(job, tasks, errors);
    }
    if (!errors.empty()) append_result(job, {.errors = std::move(errors)});
  } else {
    const bool worker_lost = loss == Loss::while_running;
    const Intervals open = lease->open.list();
    if (worker_lost && lease->open.size() == 1) {
      const Interval task = open[0];
      const std::uint32_t crashes = job.crashes.at(task.begin) + 1;
      if (crashes > config_.crash_limit) {
        job.leased -= 1;
        end_failed(job, task);
        append_result(job, {.errors = {{task.begin, 1, ErrorCode::poison,
                                        "poisonous: " + std::to_string(crashes) +
                                            " workers were lost while they ran this task alone"}}});
      } else {
        job.crashes.set(task, crashes);
        give_back(job, task);
      }
    } else {
      for (const auto& tasks : open) {
        if (worker_lost && tasks.size() > 1)
          job.suspects.edit()[tasks.begin] = {tasks.end, (tasks.size() + 1) / 2};
        give_back(job, tasks);
      }
    }
    if (loss != Loss::never_arrived) job.mishaps.edit().retried += lease->open.size();
  }
  lease->open.clear();
  account(job);
  save(job);
  touch(job);
  dispatch_needed_ = true;
  close_lease(*lease, "lost");
}

void Core::on_bye(Session& session, const wire::Bye& bye, Time now) {
  // A worker that leaves with nothing in its hands: leases that were still on their way to it never
  // ran.
  if (const auto worker = workers_.find(session.id);
      worker != workers_.end() && bye.code == ErrorCode::none) {
    for (Lease* held : std::vector<Lease*>(worker->second.leases)) {
      Lease& lease = *held;
      Job& job = jobs_.at(lease.job);
      if (has_twin(lease))
        unlink_twin(lease);
      else if (lease.kind == wire::LeaseKind::merge)
        job.partials->put_back(lease.open.first());
      else if (lease.kind == wire::LeaseKind::finish)
        job.finishing = false;
      else
        for (const auto& tasks : lease.open.list()) give_back(job, lease, tasks, now);
      lease.open.clear();
      save(job);
      touch(job);
      close_lease(lease, "given back");
    }
    dispatch_needed_ = true;
  }
  end_session(session.id, now);
}

void Core::on_reclaimed(Session& session, const wire::Reclaimed& reclaimed, Time now) {
  Lease* lease = find_lease(reclaimed.lease);
  if (!lease || lease->worker != session.id) return;
  lease->reclaiming = false;
  if (lease->kind == wire::LeaseKind::merge || lease->kind == wire::LeaseKind::finish) return;
  Job& job = jobs_.at(lease->job);
  if (has_twin(*lease))
    return leave_to_twin(*lease, now),
           close_lease(*lease, "given back");  // it was asked before it was copied
  for (const auto& tasks : reclaimed.tasks) {
    for (const auto& part : lease->open.intersect(tasks)) {
      lease->open.remove(part);
      give_back(job, *lease, part, now);
    }
  }
  touch(job);
  dispatch_needed_ = true;
}

}  // namespace quern::broker
