// The invariants, checked by tests and the simulator after every step. A broken invariant is a bug
// of the broker: the check aborts with a sentence.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "broker/core/core.hpp"

namespace quern::broker {
namespace {

void require(bool holds, const char* what, JobNumber job) {
  if (holds) return;
  std::fprintf(stderr, "broken invariant in job %llu: %s\n",
               static_cast<unsigned long long>(value(job)), what);
  std::abort();
}

}  // namespace

void Core::check_invariants() const {
  check_jobs();
  std::map<JobNumber, wire::IntervalSet> out;
  std::map<wire::SessionId, std::size_t> held;
  for (const auto& [id, lease] : workers_.leases.all()) {
    const Job* job = jobs_.table.find(lease.job);
    require(job && !job->final(), "a lease belongs to a job that is not over", lease.job);
    const Worker* worker = workers_.table.find(lease.worker);
    require(worker && lease.held_by == worker &&
                std::count(worker->holds.leases.begin(), worker->holds.leases.end(), &lease) == 1,
            "a lease is known to its worker's record", lease.job);
    ++held[lease.worker];
    if (lease.kind == wire::LeaseKind::merge || lease.kind == wire::LeaseKind::finish) continue;
    if (has_rival(lease)) {
      const Lease* other = workers_.leases.find(lease.rival.id);
      require(other && other->rival.id == id && other->rival.speculative != lease.rival.speculative,
              "a copy and its original know each other", lease.job);
      require(other->open.list() == lease.open.list(), "a copy has the tasks of its original",
              lease.job);
    }
    require(has_rival(lease) || !lease.rival.speculative, "a copy has an original", lease.job);
    if (lease.rival.speculative) continue;
    for (const auto& tasks : lease.open.list())
      require(out[lease.job].add(tasks) == tasks.size(), "no task is in two leases", lease.job);
  }
  require(workers_.table.names().size() == workers_.table.all().size(),
          "every worker has a name of its own", {});
  for (const auto& [id, worker] : workers_.table.all()) {
    require(worker.holds.leases.size() == held[id], "a worker holds only leases that exist", {});
    require(workers_.table.names().contains(worker.name), "a worker's name is taken", {});
  }

  for (const auto& [id, session] : sessions_.table.all()) {
    const Principal* principal = access_.control.principal_of(session.user);
    require(session.role != wire::Role::worker ||
                (session.worker && session.worker->connection == &session),
            "a worker's session knows the worker", {});
    require(!sessions_.conduct.is_blocked(session.peer), "who was cut off has no session", {});
    require(principal && principal->name == session.principal, "a session has a key that is known",
            {});
  }
}

void Core::check_jobs() const {
  std::map<JobNumber, wire::IntervalSet> out;
  for (const auto& [id, lease] : workers_.leases.all())
    if (takes_resources(lease) && !lease.rival.speculative)
      for (const auto& tasks : lease.open.list()) out[lease.job].add(tasks);
  std::map<JobNumber, std::size_t> holders;
  std::map<std::string, Usage> usage;
  std::uint64_t memory = 0;
  Census census;
  for (const auto& [number, job] : jobs_.table.all()) {
    require(jobs_.table.live().contains(number) != job.final(), "a job is live until it is final",
            number);
    wire::IntervalSet all = job.tasks.pending;
    std::uint64_t sum = job.tasks.pending.size() + job.tasks.unsure->size();
    for (const auto& tasks : job.tasks.unsure->list()) all.add(tasks);
    for (const auto& [due, tasks] : *job.tasks.backing_off) {
      sum += tasks.size();
      all.add(tasks);
    }
    for (const auto& tasks : out[number].list()) all.add(tasks);
    for (const auto& tasks : job.tasks.ended.list()) all.add(tasks);
    sum += out[number].size() + job.tasks.ended.size();
    const wire::IntervalSet blocked = edges_.table.blocked(job);
    sum += blocked.size();
    for (const auto& tasks : blocked.list()) all.add(tasks);
    require(job.tasks.leased == out[number].size(),
            "the count of leased tasks is the size of the leases", number);
    require(sum == job.tasks.total,
            "every task is pending, blocked, backing off, leased, unsure or ended, and only one of "
            "them",
            number);
    require(all.size() == job.tasks.total, "no task is in two states", number);
    require(job.tasks.done + job.tasks.failed() + job.tasks.cancelled == job.tasks.ended.size(),
            "done, failed and cancelled tasks are the ended ones", number);
    for (const auto& tasks : job.tasks.failed_set->list())
      require(job.tasks.ended.contains(tasks), "a failed task has ended", number);
    if (job.durable() && !job.final() && job.tasks.frontier < job.tasks.total) {
      const wire::Interval beyond{job.tasks.frontier, job.tasks.total};
      wire::IntervalSet waiting(job.tasks.pending.intersect(beyond));
      for (const auto& tasks : blocked.intersect(beyond)) waiting.add(tasks);
      require(job.tasks.ended.missing(beyond) == waiting.list(),
              "nothing beyond the frontier was ever leased", number);
    }
    require(jobs_.table.blobs().contains(number) == job.is_complete_blob(),
            "a blob that is whole is known as one", number);
    for (JobNumber blob : *job.spec.blobs) ++holders[blob];
    if (job.final())
      require(job.tasks.ended.size() == job.tasks.total, "a final job has no task left", number);
    memory += job.books.accounted.bytes;
    usage[job.spec.principal].tasks += job.books.accounted.tasks;
    usage[job.spec.principal].jobs += is_live(job.phase.counted) ? 1 : 0;
    ++census.of(job.phase.counted);
    census.tasks += job.books.accounted.tasks;
    census.leased += job.books.accounted.leased;
  }
  for (const auto& [name, used] : access_.quotas.usage()) {
    const Usage& sum = usage[name];
    require(used.tasks == sum.tasks && used.jobs == sum.jobs,
            "what a principal uses is the sum over its jobs", {});
  }
  for (const auto& [number, job] : jobs_.table.all())
    require((job.blob ? job.blob->holders() : 0) == holders[number],
            "a blob knows how many jobs hold it", number);
  // Of `uncounted`, as many are taken away as jobs were ever counted.
  census.of(CountedAs::uncounted) = jobs_.accounts.census().of(CountedAs::uncounted);
  require(census == jobs_.accounts.census(), "the census is the sum over the jobs", {});
  require(memory == jobs_.accounts.memory_used(), "the memory used is the sum over the jobs", {});
}

}  // namespace quern::broker
