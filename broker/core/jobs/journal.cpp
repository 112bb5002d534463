#include "broker/core/jobs/journal.hpp"

#include <algorithm>
#include <cmath>

#include "broker/core/base/seconds.hpp"

namespace quern::broker {
namespace {

// The frontier is reserved for so many leases ahead: one commit a stride, and after a restart no
// more than a stride waits for workers.
constexpr std::uint64_t kFrontierStride = 16;

// Payloads are asked for this far ahead of carving: more than a worker takes while one is read.
constexpr std::uint64_t kLoadAhead = 8u << 20;

constexpr std::uint64_t kLoadForCopy = 1u << 20;

}  // namespace

void Journal::persist(Job& job, StoreOp op) {
  if (!job.durable()) return;
  commits_.add(std::move(op));
  job.ticket = commits_.next();
}

void Journal::save(Job& job) {
  if (!job.durable()) return;
  commits_.save(job.number);
  job.ticket = commits_.next();
}

void Journal::seal() {
  commits_.begin(context_.effects, [this](JobNumber number) {
    Job* it = jobs_.find(number);
    if (!it) return;
    Job& job = *it;
    if (job.results.begin() > job.results_stored_from) {
      job.results_stored_from = job.results.begin();
      commits_.add(DropResults{number, job.results_stored_from});
    }
    commits_.add(progress_of(job));
  });
}

JobProgress Journal::progress_of(const Job& job) const {
  JobProgress p;
  p.job = job.number;
  p.state = job.state;
  p.reason = job.reason;
  p.failure = job.failure;
  p.detach = job.options->detach;
  p.open = job.open;
  p.encoding = job.encoding;
  p.accepted = job.accepted;
  p.accepted_bytes = job.accepted_bytes;
  p.input_digest = job.keyed->print.items;
  p.total = job.total;
  p.frontier = context_.config.mistake == Mistake::forget_frontier ? 0 : job.frontier;
  p.ended = job.ended.list();
  p.failed = job.failed_tasks->list();
  p.done = job.done;
  p.cancelled = job.cancelled;
  p.retried = job.mishaps->retried;
  job.attempts.each([&](wire::Interval tasks, std::uint32_t count) {
    p.attempts.push_back({tasks, count});
  });
  job.crashes.each([&](wire::Interval tasks, std::uint32_t count) {
    p.crashes.push_back({tasks, count});
  });
  if (job.decision) p.decision = *job.decision;
  if (job.final()) p.value = job.value.optional();
  p.results_begin = job.results.begin();
  p.results_end = job.results.end();
  const auto us = [](wire::Duration d) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(
        1, std::chrono::duration_cast<std::chrono::microseconds>(d).count()));
  };
  if (job.started != Time{}) {
    p.waited_us = us(job.started - job.submitted);
    p.ran_us = us((job.final() ? job.finished : context_.now) - job.started);
  }
  return p;
}

void Journal::append_result(Job& job, ResultEntry entry) {
  entry.ticket = job.durable() ? commits_.next() : 0;
  job.results.put(std::move(entry));
  if (!job.durable()) return;
  const std::uint64_t seq = job.results.end() - 1;
  persist(job, PutResult{job.number, seq, job.results.at(seq)});
  save(job);
  eviction_.note_results_if_many(job);
}

void Journal::release_payloads(Job& job, wire::Interval tasks) {
  wire::Intervals dropped;
  job.payloads.release(tasks, dropped);
  for (const auto& slab : dropped) persist(job, DropInput{job.number, slab});
}

void Journal::add_input(Job& job, const wire::Batch& batch, const std::vector<float>& costs) {
  persist(job, AddInput{job.number, job.payloads.end(), batch, costs});
  job.payloads.append(batch, job.durable() ? commits_.next() : 0);
}

void Journal::advance_frontier(Job& job, std::uint64_t end) {
  if (end <= job.frontier) return;
  const std::uint64_t stride = kFrontierStride * std::max<std::uint64_t>(1, end - job.frontier);
  // After a restart nobody can tell whether a task before the frontier was started: where that
  // matters it is not moved ahead.
  job.frontier = job.options->at_most_once ? end : std::min(std::max(job.total, end), end + stride);
  if (!job.durable()) return;
  save(job);
  job.lease_ticket = commits_.next();
}

bool Journal::ready_to_carve(Job& job) {
  if (job.payloads.all_resident() || !job.has_payloads() || job.pending.empty()) return true;
  const std::uint64_t first = job.pending.front();
  while (auto stretch = job.payloads.wanted(first, kLoadAhead))
    context_.effects.push_back(Load{job.number, *stretch});
  return job.payloads.resident(first);
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
  Partials::Kept kept = job.partials->kept(tasks, value);
  persist(job, PutPartial{job.number, kept.tasks, std::move(kept.value)});
}

bool Journal::all_resident(Job& job, const wire::IntervalSet& tasks) {
  if (!job.has_payloads() || job.payloads.all_resident()) return true;
  for (const auto& some : tasks.list()) {
    for (std::uint64_t task = some.begin; task < some.end; ++task) {
      if (job.payloads.resident(task)) continue;
      while (auto stretch = job.payloads.wanted(task, kLoadForCopy))
        context_.effects.push_back(Load{job.number, *stretch});
      return false;  // on_loaded() goes on
    }
  }
  return true;
}

}  // namespace quern::broker
