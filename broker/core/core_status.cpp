// What is shown: statuses of jobs, workers and the broker.
#include <algorithm>

#include "broker/core/access.hpp"
#include "broker/core/core.hpp"

namespace quern::broker {
namespace {

std::uint64_t us(wire::Duration d) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::microseconds>(d).count()));
}

// Of the 256 KiB that a header may have.
constexpr std::size_t kSpansBytes = 160u << 10;
constexpr std::size_t kSharesBytes = 64u << 10;

}  // namespace

JobStatus Core::status_of(const Job& job, Time now, bool with_shares, bool exact) const {
  JobStatus s;
  s.uuid = job.uuid;
  s.number = job.number;
  s.name = job.options.name;
  s.function = job.function;
  s.owner = job.principal;
  s.input = job.input;
  if (job.decision) {
    s.decision = job.decision->sentence;
    s.divisible = job.decision->divisible;
    s.reduce = job.decision->reduce;
    s.encoding = job.decision->encoding;
  } else {
    s.reduce = job.options.reduce;
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
  s.priority = job.options.priority;
  s.weight = job.options.weight;
  s.durability = job.options.durability;
  s.detached = job.options.detach;
  s.attempts = job.options.attempts;
  s.retried = job.retried;
  s.age_us = us(now - job.submitted);
  if (job.started != Time{}) s.run_us = us((job.final() ? job.finished : now) - job.started);
  const double run_s = static_cast<double>(s.run_us) / 1e6;
  s.rate = job.rate;
  if ((job.final() || s.rate <= 0) && run_s > 0) s.rate = static_cast<double>(job.done) / run_s;
  const Estimate end = estimate(job, now, exact);
  s.eta_s = end.left_s;
  s.eta_error_s = end.error_s;
  s.copies = job.copies;
  s.wasted_s = job.wasted_s;
  s.queued_bytes = job.payloads.queued_bytes();
  s.result_bytes = job.results.bytes();
  s.workers = job.shares.size();
  if (with_shares) {
    s.shares = job.shares.most(SIZE_MAX, kSharesBytes);
    std::sort(s.shares.begin(), s.shares.end(), [](const auto& a, const auto& b) { return a.worker < b.worker; });
  }
  return s;
}

WorkerStatus Core::status_of(const Worker& worker, Time now) const {
  const Session& session = *sessions_.find(worker.session);
  WorkerStatus s;
  s.id = static_cast<std::uint64_t>(worker.session);
  s.name = worker.name;
  s.state = worker.draining ? "draining" : worker.leases.empty() ? "idle" : "busy";
  s.capacity = worker.offer.capacity;
  // Its last beat may be seconds old; what it holds is known now.
  s.capacity.busy = static_cast<std::uint32_t>(std::min<std::size_t>(worker.leases.size(), worker.slots()));
  s.functions = worker.offer.functions;
  for (const auto& [name, record] : worker.records)
    if (record.leases > 0) s.rates.push_back({name, worker.rate_of(record, name), record.rate.uncertainty(), record.leases, record.tasks, record.busy_us});
  s.labels = worker.offer.labels;
  s.resources = worker.offer.resources;
  s.leases = worker.leases.size();
  s.tasks_done = worker.tasks_done;
  s.principal = session.principal;
  s.silent_us = us(now - session.heard);
  s.connected_us = us(now - session.connected);
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
    timeline.add(worker.name, worker.slots(), lease->granted, now, lease->first, lease->reported_tasks, "running");
  }
  timeline.fit(kSpansBytes);
  return timeline.spans(job.submitted);
}

void Core::on_query(Session& session, const Principal& principal, const wire::Query& query, Time now, Effects& effects) {
  wire::Answer answer;
  answer.token = query.token;
  switch (query.what) {
    case wire::QueryWhat::jobs:
      for (auto it = jobs_.rbegin(); it != jobs_.rend() && answer.jobs.size() < std::min<std::uint64_t>(query.limit, 1000); ++it)
        if (!it->second.blob && may_see(principal, subject_of(it->second))) answer.jobs.push_back(status_of(it->second, now, false, false));
      break;
    case wire::QueryWhat::job:
    case wire::QueryWhat::timeline:
    case wire::QueryWhat::explain: {
      const Job* job = find_job(query.job, query.number);
      if (!job) {
        complain(session, ErrorCode::unknown_job, "job " + std::to_string(value(query.number)) + " is unknown here: see `quern jobs`",
                 {}, query.token, effects);
        return;
      }
      answer.jobs.push_back(status_of(*job, now, true, true));
      if (query.what == wire::QueryWhat::explain) answer.text = explain(*job, now);
      if (query.what == wire::QueryWhat::timeline) answer.jobs.back().spans = spans_of(*job, now);
      break;
    }
    case wire::QueryWhat::workers:
      for (const auto& [id, worker] : workers_) answer.workers.push_back(status_of(worker, now));
      std::sort(answer.workers.begin(), answer.workers.end(),
                [](const WorkerStatus& a, const WorkerStatus& b) { return a.name < b.name; });
      break;
    case wire::QueryWhat::broker: break;
  }
  answer.broker = status(now);
  // With a store that cannot write the state is told ahead of it: who asks then wants to know why nothing moves.
  send(session, std::move(answer), effects, store_trouble_.empty() ? latest_ticket() : 0);
}

}  // namespace quern::broker
