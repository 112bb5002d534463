#include "broker/core/status/statuses.hpp"

#include <algorithm>

namespace quern::broker {
namespace {

std::uint64_t us(wire::Duration d) {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::microseconds>(d).count()));
}

// Parts of the 256 KiB that a header may have.
constexpr std::size_t kSpansBytes = 160u << 10;

constexpr std::size_t kSharesBytes = 64u << 10;

constexpr std::size_t kEdgesShown = 100;

}  // namespace

JobStatus Statuses::status_of(const Job& job, Time now, bool with_shares, bool exact) const {
  JobStatus s;
  s.uuid = job.spec.uuid;
  s.number = job.number;
  s.name = job.spec.name;
  s.function = job.spec.function;
  s.owner = job.spec.principal;
  s.input = job.spec.input;
  if (job.run.decision) {
    s.decision = job.run.decision->sentence;
    s.divisible = job.run.decision->divisible;
    s.reduce = job.run.decision->reduce;
    s.encoding = job.run.decision->encoding;
  } else {
    s.reduce = job.spec.options->reduce;
  }
  if (!s.reduce.empty()) {
    const auto builtin = wire::builtin_reducer(s.reduce);
    s.encoding = builtin ? wire::result_encoding(*builtin) : Encoding::value;
  }
  s.state = job.phase.state;
  s.paused = job.phase.paused;
  s.reason = reason_of(job);
  s.open = job.intake.open;
  s.total = job.tasks.total;
  s.pending = job.tasks.pending.size() + job.backing();
  s.leased = job.tasks.leased;
  s.done = job.tasks.done;
  s.failed = job.tasks.failed();
  s.cancelled = job.tasks.cancelled;
  if (const Inflow* inflow = edges_.of(job)) {
    s.blocked = edges_.blocked(job).size();
    s.edges = inflow->edges;
    if (s.edges.size() > kEdgesShown) s.edges.resize(kEdgesShown);
  }
  if (!edges_.empty()) {
    const EdgeTable::Consumers& consumers = edges_.consumers_of(job);
    for (const auto* list : {&consumers.takers, &consumers.waiters})
      for (const JobNumber number : *list)
        if (number != job.number && s.consumers.size() < kEdgesShown)
          s.consumers.push_back(value(number));
  }
  s.nested = job.spec.options->nested;
  if (const ParentTask* who = families_.parent_of(job)) {
    s.parent = who->job;
    s.parent_task = who->task;
  }
  if (const Family* family = families_.of(job)) {
    for (const JobNumber child : family->some(kEdgesShown)) s.children.push_back(value(child));
    s.waiting_tasks = family->waiting.size();
  }
  s.priority = job.spec.options->priority;
  s.weight = job.spec.options->weight;
  s.durability = job.spec.options->durability;
  s.detached = job.spec.options->detach;
  s.attempts = job.spec.options->attempts;
  s.idempotent = job.spec.options->idempotent;
  s.at_most_once = job.spec.options->at_most_once;
  if (job.final()) s.kept_us = us(std::max(wire::Duration{}, kept_.expires(job) - now));
  s.failure = job.phase.failure;
  s.retried = job.attempts.mishaps->retried;
  s.age_us = us(now - job.phase.submitted);
  if (job.phase.started != Time{})
    s.run_us = us((job.final() ? job.phase.finished : now) - job.phase.started);
  const double run_s = static_cast<double>(s.run_us) / 1e6;
  s.rate = job.effort.pace->rate;
  if ((job.final() || s.rate <= 0) && run_s > 0)
    s.rate = static_cast<double>(job.tasks.done) / run_s;
  const Estimate end = estimator_.estimate(job, now, exact);
  s.eta_s = job.phase.hold.time ? -1 : end.left_s;
  s.eta_error_s = job.phase.hold.time ? -1 : end.error_s;
  s.copies = job.attempts.mishaps->copies;
  s.wasted_s = job.attempts.mishaps->wasted_s;
  s.queued_bytes = job.intake.payloads.queued_bytes();
  s.result_bytes = job.output.results.bytes();
  s.workers = job.effort.shares.size();
  s.deadline_ms = job.spec.options->deadline_ms;
  if (job.phase.hold.time) s.start_at_ms = job.spec.options->start_at_ms;
  if (with_shares) {
    s.metadata = job.spec.options->metadata;
    s.shares = job.effort.shares.most(SIZE_MAX, kSharesBytes);
    std::sort(s.shares.begin(), s.shares.end(),
              [](const auto& a, const auto& b) { return a.worker < b.worker; });
  }
  return s;
}

std::string Statuses::reason_of(const Job& job) const {
  if (job.phase.paused) return Reasons::paused(job);
  return job.final() || job.tasks.leased > 0 ? *job.phase.reason : reasons_.waits_for(job);
}

std::vector<LeaseSpan> Statuses::spans_of(const Job& job, Time now) const {
  Timeline timeline = job.effort.timeline;
  for (const Lease* lease : leases_.of(job.number, job.tasks.leases)) {
    if (!takes_resources(*lease)) continue;
    const Worker& worker = workers_.at(lease->worker);
    timeline.add(worker.name, worker.slots(), lease->granted, now, lease->size.first,
                 lease->size.reported, "running");
  }
  timeline.fit(kSpansBytes);
  return timeline.spans(job.phase.submitted);
}

wire::JobUpdate Statuses::update_of(const Job& job, Time now, std::uint64_t token) const {
  wire::JobUpdate update;
  update.token = token;
  update.status =
      status_of(job, now, token != 0 || job.final(), false);  // progress news needs no shares
  update.entries = job.output.results.end();
  update.reduced =
      job.run.decision ? !job.run.decision->reduce.empty() : !job.spec.options->reduce.empty();
  if (job.final() && job.output.value) {
    update.has_value = true;
    update.value = *job.output.value;
  }
  return update;
}

BrokerStatus Statuses::broker_in_detail(Time now) const {
  BrokerStatus s = broker(now);
  const Census& census = accounts_.census();
  s.tasks_leased = census.leased;
  s.tasks_pending = census.tasks - census.leased;
  s.jobs_waiting = census.of(CountedAs::waiting);
  s.jobs_running = census.of(CountedAs::running);
  s.jobs_paused = census.of(CountedAs::paused);
  s.jobs_done = census.of(CountedAs::done);
  s.jobs_failed = census.of(CountedAs::failed);
  s.jobs_cancelled = census.of(CountedAs::cancelled);
  for (const auto& [id, worker] : workers_.all()) {
    const std::string_view state = Workers::state_of(worker);
    ++(state == "draining" ? s.workers_draining
       : state == "stuck"  ? s.workers_stuck
       : state == "idle"   ? s.workers_idle
                           : s.workers_busy);
  }
  s.workers_lost = workers_.lost().size();
  s.functions = context_.metrics.functions();
  s.lease_seconds = context_.metrics.lease_seconds();
  s.wait_seconds = context_.metrics.wait_seconds();
  return s;
}

BrokerStatus Statuses::broker(Time now) const {
  BrokerStatus s;
  s.software = context_.config.software;
  s.uptime_us = context_.started ? us(now - *context_.started) : 0;
  s.workers = workers_.all().size();
  s.clients = sessions_.all().size() - workers_.all().size();
  s.jobs = jobs_.live().size();
  s.memory_used = accounts_.memory_used();
  s.memory_limit = context_.config.memory_limit;
  s.malformed = context_.counters.malformed;
  s.refused = context_.counters.refused;
  s.late = context_.counters.late;
  return s;
}

}  // namespace quern::broker
