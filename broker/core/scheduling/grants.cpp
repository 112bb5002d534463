#include "broker/core/scheduling/grants.hpp"

#include <algorithm>
#include <limits>

#include "broker/core/scheduling/sizing.hpp"

namespace quern::broker {
namespace {

using wire::Interval;

using wire::Intervals;

// Payload bytes of one lease: small enough that broker, wire and worker can process different
// leases of a job at the same time.
constexpr std::uint64_t kLeaseBytes = 256u << 10;

constexpr std::size_t kLeaseIntervals = 16;

// Tasks that wait for results become ready one by one, in any order.
constexpr std::size_t kLeaseIntervalsOfFed = 256;

// How many partials are merged at once.
constexpr std::size_t kMergeAtMost = 64;

constexpr std::uint64_t kMergeBytes = 768u << 10;

}  // namespace

Intervals Grants::carve(Job& job, std::uint64_t size, std::uint64_t bytes_max) {
  Intervals tasks;
  const std::uint32_t attempt = job.attempts.failures.at(job.tasks.pending.front());
  std::uint64_t taken = 0;
  std::uint64_t bytes = 0;  // of a job that takes results of others
  const std::size_t most = job.phase.fed ? kLeaseIntervalsOfFed : kLeaseIntervals;
  while (taken < size && !job.tasks.pending.empty() && tasks.size() < most) {
    const Interval first = job.tasks.pending.first();
    // A lease has one attempt number, so all of its tasks must have failed equally often.
    if (job.attempts.failures.at(first.begin) != attempt) break;
    if (!tasks.empty() && job.has_payloads() && !job.intake.payloads.resident(first.begin)) break;
    std::uint64_t end = job.attempts.failures.run_end(
        first.begin, std::min(first.end, first.begin + (size - taken)));
    bool alone = false;
    // Suspects run in leases of their own, each half as long as the run that failed, to isolate the
    // culprit.
    if (auto it = job.attempts.suspects->upper_bound(first.begin);
        it != job.attempts.suspects->begin()) {
      const auto& [begin, suspects] = *std::prev(it);
      if (first.begin < suspects.end) {
        if (!tasks.empty()) break;
        end = std::min({end, suspects.end, first.begin + suspects.lease_max});
        alone = true;
      }
    }
    if (auto it = job.attempts.suspects->upper_bound(first.begin);
        it != job.attempts.suspects->end())
      end = std::min(end, it->first);
    if (job.has_payloads()) {
      end = first.begin +
            job.intake.payloads.fitting(first.begin, end - first.begin, bytes_max - bytes);
    }
    const Interval piece = job.tasks.pending.take_front(end - first.begin);
    if (!tasks.empty() && tasks.back().end == piece.begin)
      tasks.back().end = piece.end;
    else
      tasks.push_back(piece);
    taken += piece.size();
    journal_.advance_frontier(job, piece.end);
    // Neighbours became ready one by one, so each has a slab of its own.
    if (job.phase.fed && job.has_payloads() && !alone) {
      bytes += job.intake.payloads.bytes_of(piece);
      if (bytes >= bytes_max) break;
      continue;
    }
    if (alone || piece.end != first.end || (job.has_payloads() && taken * 2 >= size)) break;
  }
  return tasks;
}

std::uint64_t Grants::fitting_work(const Job& job, double work) {
  const Interval first = job.tasks.pending.first();
  double sum = 0;
  std::uint64_t task = first.begin;
  while (task < first.end && (task == first.begin || sum + job.work_of(task) <= work))
    sum += job.work_of(task++);
  return task - first.begin;
}

void Grants::grant_tasks(Job& job, const Pool::Member& member, Time now) {
  const Rate& measured = member.record->rate;
  std::uint64_t size = lease_size({member.rate / job.unit(), measured.tasks_seen(),
                                   job.run.pool->total_rate() / job.unit(),
                                   job.tasks.pending.size(), measured.variation()});
  if (job.run.decision->takes != Takes::range) size = std::min(size, wire::kBatchTasksMax);
  // A lost worker may have started any task of its lease, and such a task must not start again.
  // With one task per lease, no other task is lost with it.
  if (job.spec.options->at_most_once && job.run.decision->takes != Takes::range) size = 1;
  // A task that waits for jobs that it has submitted would keep the others of its lease waiting.
  if (job.spec.options->nested) size = 1;
  if (!job.intake.costs->empty()) size = fitting_work(job, static_cast<double>(size) * job.unit());
  if (member.lease_most > 0) size = std::min(size, member.lease_most);
  const std::uint32_t attempt = job.attempts.failures.at(job.tasks.pending.front()) + 1;
  send_tasks(job, member, carve(job, size, kLeaseBytes), attempt, now);
}

Lease& Grants::send_tasks(Job& job, const Pool::Member& member, const Intervals& tasks,
                          std::uint32_t attempt, Time now) {
  const Decision& decision = *job.run.decision;
  const bool range = decision.takes == Takes::range;
  Worker& worker = *member.worker;
  wire::Lease lease;
  lease.attempt = attempt;
  lease.attempts = job.spec.options->attempts;
  lease.tasks = tasks;
  lease.function = job.spec.function;
  lease.kind = range                            ? wire::LeaseKind::range
               : decision.takes == Takes::whole ? wire::LeaseKind::whole
                                                : wire::LeaseKind::item;
  lease.encoding = job.intake.encoding;
  if (job.output.partials &&
      (wire::builtin_reducer(decision.reduce) || worker.reducer(decision.reduce)))
    lease.reduce = decision.reduce;
  if (job.has_payloads()) lease.batch = job.intake.payloads.gather(lease.tasks);
  lease.indexed = !job.has_payloads();
  lease.base = job.spec.base;
  lease.timeout_ms = job.spec.options->timeout_ms;
  lease.once = job.spec.options->at_most_once;
  lease.nested = job.spec.options->nested;
  job.tasks.leased += wire::size(tasks);
  // Nobody knows how long people take, and their time must not count against what the principal
  // gets of the machines.
  const double expected_s = member.people     ? 0
                            : member.rate > 0 ? job.work_of(tasks) / member.rate
                                              : kUnknownLease;
  return grant(job, worker, std::move(lease), expected_s, now, !member.known);
}

bool Grants::grant_merge(Job& job, Time now) {
  if (!job.wants_merge()) return false;
  const std::string& reduce = job.run.decision->reduce;
  const bool finish = job.wants_finish();

  Worker* best = nullptr;
  double soonest = std::numeric_limits<double>::infinity();
  round_.budget -= static_cast<std::int64_t>(pools_.may_have_room().size());
  for (Worker* worker : pools_.may_have_room()) {
    if (!pools_.has_room(*worker) ||
        (finish ? !job.run.pool || !job.run.pool->of(*worker) : !worker->reducer(reduce)))
      continue;
    const double ready = pools_.ready_s(*worker, now);
    if (ready < soonest) {
      soonest = ready;
      best = worker;
    }
  }
  if (!best) return false;

  wire::Lease lease;
  lease.total = job.tasks.total;
  lease.encoding = Encoding::value;
  if (finish) {
    lease.kind = wire::LeaseKind::finish;
    lease.function = job.spec.function;
    lease.tasks = {{0, job.tasks.total}};
    wire::BatchBuilder builder;
    builder.add(*job.output.partials->value());
    lease.batch = builder.take();
    job.output.finishing = true;
  } else {
    auto run = job.output.partials->take_run(job.all_ended() ? 2 : Partials::kMergeFrom,
                                             kMergeAtMost, kMergeBytes);
    if (!run) return false;
    lease.kind = wire::LeaseKind::merge;
    lease.function = reduce;
    lease.tasks = {run->tasks};
    lease.batch = std::move(run->values);
  }
  grant(job, *best, std::move(lease), kLeaseMin, now);
  return true;
}

Lease& Grants::grant(Job& job, Worker& worker, wire::Lease&& lease, double expected_s, Time now,
                     bool first_of_worker) {
  ++context_.counters.leases;
  ++context_.metrics.of(job.spec.function).leases;
  lease.lease = {context_.config.incarnation, leases_.next_number()};
  lease.job = job.spec.uuid;
  lease.number = job.number;
  // A second attempt reveals that the first one failed, so it waits for that commit. Later messages
  // of the job must not overtake it, so they wait for the same commit.
  if (lease.attempt > 1) job.commits.leases = std::max(job.commits.leases, job.commits.latest);
  const std::uint64_t after = job.commits.leases;
  if (job.has_common() && lease.kind != wire::LeaseKind::merge) {
    lease.common = true;
    if (worker.holds.commons.insert(job.spec.uuid).second)
      outbox_.send(worker.session,
                   wire::Common{job.spec.uuid, job.spec.common ? *job.spec.common : wire::Buffer{},
                                job.spec.options->blobs, job.spec.options->metadata},
                   after);
  }
  Lease& record = leases_.add(lease.lease);
  record.job = job.number;
  record.worker = worker.session;
  record.kind = lease.kind;
  record.run.attempt = lease.attempt;
  record.open = wire::IntervalSet(lease.tasks);
  record.size.tasks = record.open.size();
  record.size.first = record.open.empty() ? 0 : record.open.front();
  record.size.bytes = lease.batch.weight();
  record.size.payload = lease.batch.bytes.size();
  record.granted = now;
  record.expected_s = expected_s;
  record.size.takes_rest = job.tasks.pending.empty();
  record.trial.first = first_of_worker;
  if (first_of_worker) fitness_.probe(record, now);
  // Only a worker that has done something else leaves other work to explore this one.
  const Pool::Member* member = job.run.pool ? job.run.pool->of(worker) : nullptr;
  record.trial.exploratory =
      first_of_worker && worker.speed.tasks_done > 0 && !(member && member->people);
  if (record.trial.exploratory) ++job.run.pool->explorers;
  worker.hold(record);
  if (takes_resources(record)) job.run.pool->need().count(worker, 1);
  queue_.expect(job, expected_s);
  ++job.tasks.leases;
  if (job.phase.state == JobState::waiting) {
    const JobChange change = changes_.begin(job);
    if (job.phase.started == Time{}) context_.metrics.job_waited(now - job.phase.submitted);
    job.phase.state = JobState::running;
    job.phase.started = now;
  }
  jobs_.touch(job);
  outbox_.send(*worker.connection, std::move(lease), after);
  return record;
}

}  // namespace quern::broker
