#include "broker/core/status/statuses.hpp"

#include <algorithm>

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

JobStatus Statuses::status_of(const Job& job, Time now, bool with_shares, bool exact) const {
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
  s.reason = job.final() || job.leased > 0 ? job.reason : reasons_.waits_for(job);
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
  if (job.final()) s.kept_us = us(std::max(wire::Duration{}, kept_.expires(job) - now));
  s.failure = job.failure;
  s.retried = job.mishaps->retried;
  s.age_us = us(now - job.submitted);
  if (job.started != Time{}) s.run_us = us((job.final() ? job.finished : now) - job.started);
  const double run_s = static_cast<double>(s.run_us) / 1e6;
  s.rate = job.pace->rate;
  if ((job.final() || s.rate <= 0) && run_s > 0) s.rate = static_cast<double>(job.done) / run_s;
  const Estimate end = estimator_.estimate(job, now, exact);
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

std::vector<LeaseSpan> Statuses::spans_of(const Job& job, Time now) const {
  Timeline timeline = job.timeline;
  for (const Lease* lease : leases_.of(job.number, job.leases_out)) {
    if (!takes_resources(*lease)) continue;
    const Worker& worker = workers_.at(lease->worker);
    timeline.add(worker.name, worker.slots(), lease->granted, now, lease->first,
                 lease->reported_tasks, "running");
  }
  timeline.fit(kSpansBytes);
  return timeline.spans(job.submitted);
}

wire::JobUpdate Statuses::update_of(const Job& job, Time now, std::uint64_t token) const {
  wire::JobUpdate update;
  update.token = token;
  update.status =
      status_of(job, now, token != 0 || job.final(), false);  // a progress bar wants no shares
  update.entries = job.results.end();
  update.reduced = job.decision ? !job.decision->reduce.empty() : !job.options->reduce.empty();
  if (job.final() && job.value) {
    update.has_value = true;
    update.value = *job.value;
  }
  return update;
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
