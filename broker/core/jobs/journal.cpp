#include "broker/core/jobs/journal.hpp"

#include <algorithm>
#include <cmath>

#include "broker/core/base/seconds.hpp"

namespace quern::broker {
namespace {

// The frontier is reserved for this many leases ahead: one commit per stride, and after a restart
// at most one stride of tasks has to wait for workers.
constexpr std::uint64_t kFrontierStride = 16;

// Payloads are requested this far ahead of the next lease: more than a worker consumes while one
// row is read.
constexpr std::uint64_t kLoadAhead = 8u << 20;

constexpr std::uint64_t kLoadForCopy = 1u << 20;

}  // namespace

void Journal::persist(Job& job, StoreOp op) {
  if (!job.durable()) return;
  commits_.add(std::move(op));
  job.commits.latest = commits_.next();
}

void Journal::save(Job& job) {
  if (!job.durable()) return;
  commits_.save(job.number);
  job.commits.latest = commits_.next();
}

void Journal::seal() {
  commits_.begin(context_.effects, [this](JobNumber number) {
    Job* it = jobs_.find(number);
    if (!it) return;
    Job& job = *it;
    if (job.output.results.begin() > job.commits.results_from) {
      job.commits.results_from = job.output.results.begin();
      commits_.add(DropResults{number, job.commits.results_from});
    }
    commits_.add(progress_of(job));
  });
}

JobProgress Journal::progress_of(const Job& job) const {
  JobProgress p;
  p.job = job.number;
  p.state = job.phase.state;
  p.reason = *job.phase.reason;
  p.failure = job.phase.failure;
  p.detach = job.spec.options->detach;
  p.paused = job.phase.paused;
  p.open = job.intake.open;
  p.encoding = job.intake.encoding;
  p.accepted = job.intake.accepted;
  p.accepted_bytes = job.intake.bytes;
  p.input_digest = job.intake.keyed->print.items;
  p.total = job.tasks.total;
  p.frontier = context_.config.mistake == Mistake::forget_frontier ? 0 : job.tasks.frontier;
  p.ended = job.tasks.ended.list();
  p.failed = job.tasks.failed_set->list();
  p.done = job.tasks.done;
  p.cancelled = job.tasks.cancelled;
  p.retried = job.attempts.mishaps->retried;
  job.attempts.failures.each([&](wire::Interval tasks, std::uint32_t count) {
    p.attempts.push_back({tasks, count});
  });
  job.attempts.crashes.each([&](wire::Interval tasks, std::uint32_t count) {
    p.crashes.push_back({tasks, count});
  });
  if (job.run.decision) p.decision = *job.run.decision;
  if (job.final()) p.value = job.output.value.optional();
  p.results_begin = job.output.results.begin();
  p.results_end = job.output.results.end();
  const auto us = [](wire::Duration d) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(
        1, std::chrono::duration_cast<std::chrono::microseconds>(d).count()));
  };
  if (job.phase.started != Time{}) {
    p.waited_us = us(job.phase.started - job.phase.submitted);
    p.ran_us = us((job.final() ? job.phase.finished : context_.now) - job.phase.started);
  }
  return p;
}

void Journal::append_result(Job& job, ResultEntry entry) {
  entry.sequence = job.durable() ? commits_.next() : 0;
  job.output.results.put(std::move(entry));
  if (!job.durable()) return;
  const std::uint64_t seq = job.output.results.end() - 1;
  persist(job, PutResult{job.number, seq, job.output.results.at(seq)});
  save(job);
  eviction_.note_results_if_many(job);
}

void Journal::release_payloads(Job& job, wire::Interval tasks) {
  wire::Intervals dropped;
  job.intake.payloads.release(tasks, dropped);
  for (const auto& slab : dropped) persist(job, DropInput{job.number, slab});
}

void Journal::add_input(Job& job, const wire::Batch& batch, const std::vector<float>& costs) {
  persist(job, AddInput{job.number, job.intake.payloads.end(), batch, costs});
  job.intake.payloads.append(batch, job.durable() ? commits_.next() : 0);
}

void Journal::put_input(Job& job, std::uint64_t first, const wire::Batch& batch) {
  persist(job, AddInput{job.number, first, batch});
  job.intake.payloads.put(first, batch, job.durable() ? commits_.next() : 0);
}

void Journal::advance_frontier(Job& job, std::uint64_t end) {
  if (end <= job.tasks.frontier) return;
  const std::uint64_t stride =
      kFrontierStride * std::max<std::uint64_t>(1, end - job.tasks.frontier);
  // After a restart, nobody can tell whether a task before the frontier was started. For
  // at-most-once jobs this matters, so their frontier is not moved ahead.
  job.tasks.frontier =
      job.spec.options->at_most_once ? end : std::min(std::max(job.tasks.total, end), end + stride);
  if (!job.durable()) return;
  save(job);
  job.commits.leases = commits_.next();
}

bool Journal::ready_to_carve(Job& job) {
  if (job.intake.payloads.all_resident() || !job.has_payloads() || job.tasks.pending.empty())
    return true;
  const std::uint64_t first = job.tasks.pending.front();
  while (auto stretch = job.intake.payloads.wanted(first, kLoadAhead))
    context_.effects.push_back(Load{job.number, *stretch});
  return job.intake.payloads.resident(first);
}

JobNumber Journal::take_number() {
  if (context_.config.store) {
    if (const auto below = numbers_.reserve()) {
      commits_.add(ReserveNumbers{*below});
      numbers_commit_ = commits_.next();
    }
  }
  return numbers_.take();
}

void Journal::keep_partial(Job& job, wire::Interval tasks, const Bytes& value) {
  if (!job.durable()) return;
  Partials::Kept kept = job.output.partials->kept(tasks, value);
  persist(job, PutPartial{job.number, kept.tasks, std::move(kept.value)});
}

bool Journal::all_resident(Job& job, const wire::IntervalSet& tasks) {
  if (!job.has_payloads() || job.intake.payloads.all_resident()) return true;
  for (const auto& some : tasks.list()) {
    for (std::uint64_t task = some.begin; task < some.end; ++task) {
      if (job.intake.payloads.resident(task)) continue;
      while (auto stretch = job.intake.payloads.wanted(task, kLoadForCopy))
        context_.effects.push_back(Load{job.number, *stretch});
      return false;  // on_loaded() continues
    }
  }
  return true;
}

}  // namespace quern::broker
