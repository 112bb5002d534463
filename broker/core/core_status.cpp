// What is shown: statuses of jobs, workers and the broker.
#include <algorithm>

#include "broker/core/core.hpp"

namespace quern::broker {
namespace {

std::uint64_t us(wire::Duration d) {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::microseconds>(d).count()));
}

// Of the 256 KiB that a header may have.
constexpr std::size_t kSpansBytes = 160u << 10;
constexpr std::size_t kSharesBytes = 64u << 10;

}  // namespace

JobStatus Core::status_of(const Job& job, Time now, bool with_shares, bool exact) const {
  JobStatus s;
  s.uuid = job.uuid;
  s.number = job.number;
  s.name = job.name;
  s.function = job.function;
  s.owner = job.principal;
  s.input = job.input;
  if (job.decision) {
    s.decision = job.decision->sentence;
    s.divisible = job.decision->divisible;
    s.reduce = job.decision->reduce;
    s.encoding = job.decision->encoding;
  } else {
    s.reduce = job.options->reduce;
  }
  if (!s.reduce.empty()) {
    const auto builtin = wire::builtin_reducer(s.reduce);
    s.encoding = builtin ? wire::result_encoding(*builtin) : Encoding::value;
  }
  s.state = job.state;
  s.reason = job.final() || job.leased > 0 ? job.reason : waits_for(job);
  s.open = job.open;
  s.total = job.total;
  s.pending = job.pending.size() + job.backing();
  s.leased = job.leased;
  s.done = job.done;
  s.failed = job.failed;
  s.cancelled = job.cancelled;
  s.priority = job.options->priority;
  s.weight = job.options->weight;
  s.durability = job.options->durability;
  s.detached = job.options->detach;
  s.attempts = job.options->attempts;
  s.idempotent = job.options->idempotent;
  s.at_most_once = job.options->at_most_once;
  if (job.final()) s.kept_us = us(std::max(wire::Duration{}, expires(job) - now));
  s.failure = job.failure;
  s.retried = job.mishaps->retried;
  s.age_us = us(now - job.submitted);
  if (job.started != Time{}) s.run_us = us((job.final() ? job.finished : now) - job.started);
  const double run_s = static_cast<double>(s.run_us) / 1e6;
  s.rate = job.pace->rate;
  if ((job.final() || s.rate <= 0) && run_s > 0) s.rate = static_cast<double>(job.done) / run_s;
  const Estimate end = estimate(job, now, exact);
  s.eta_s = end.left_s;
  s.eta_error_s = end.error_s;
  s.copies = job.mishaps->copies;
  s.wasted_s = job.mishaps->wasted_s;
  s.queued_bytes = job.payloads.queued_bytes();
  s.result_bytes = job.results.bytes();
  s.workers = job.shares.size();
  if (with_shares) {
    s.shares = job.shares.most(SIZE_MAX, kSharesBytes);
    std::sort(s.shares.begin(), s.shares.end(),
              [](const auto& a, const auto& b) { return a.worker < b.worker; });
  }
  return s;
}

WorkerStatus Core::status_of(const Worker& worker, Time now) const {
  const Session& session = *sessions_.find(worker.session);
  WorkerStatus s;
  s.id = static_cast<std::uint64_t>(worker.session);
  s.name = worker.name;
  const bool stuck = worker.slots() == 0;
  s.state = worker.draining         ? "draining"
            : stuck                 ? "stuck"
            : worker.leases.empty() ? "idle"
                                    : "busy";
  if (stuck)
    s.reason =
        "no slot is left: the functions on all of them ignore their time limit or their "
        "cancellation";
  s.capacity = worker.offer.capacity;
  // Its last beat may be seconds old; what it holds is known now.
  s.capacity.busy =
      static_cast<std::uint32_t>(std::min<std::size_t>(worker.leases.size(), worker.slots()));
  s.functions = worker.offer.functions;
  for (const auto& [name, record] : worker.records)
    if (record.leases > 0)
      s.rates.push_back({name, worker.rate_of(record, name), record.rate.uncertainty(),
                         record.leases, record.tasks, record.busy_us});
  s.labels = worker.offer.labels;
  s.resources = worker.offer.resources;
  s.leases = worker.leases.size();
  s.tasks_done = worker.tasks_done;
  s.principal = session.principal;
  s.silent_us = us(now - session.heard);
  s.connected_us = us(now - session.connected);
  return s;
}

WorkerStatus Core::status_of(const LostWorker& lost, Time now) {
  WorkerStatus s = lost.last;
  s.leases = 0;
  s.capacity.busy = 0;
  s.silent_us += us(now - lost.lost);
  return s;
}

BrokerStatus Core::status(Time now) const {
  BrokerStatus s;
  s.software = config_.software;
  s.uptime_us = started_known_ ? us(now - started_) : 0;
  s.workers = workers_.size();
  s.clients = sessions_.all().size() - workers_.size();
  s.jobs = live_.size();
  s.memory_used = memory_used_;
  s.memory_limit = config_.memory_limit;
  s.malformed = counters_.malformed;
  s.refused = counters_.refused;
  s.late = counters_.late;
  return s;
}

std::vector<LeaseSpan> Core::spans_of(const Job& job, Time now) const {
  Timeline timeline = job.timeline;
  for (const Lease* lease : leases_of(job)) {
    if (!takes_resources(*lease)) continue;
    const Worker& worker = workers_.at(lease->worker);
    timeline.add(worker.name, worker.slots(), lease->granted, now, lease->first,
                 lease->reported_tasks, "running");
  }
  timeline.fit(kSpansBytes);
  return timeline.spans(job.submitted);
}

}  // namespace quern::broker
