#include "broker/core/status/task_map.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace quern::broker {
namespace {

using wire::Interval;
using wire::Intervals;
using wire::IntervalSet;

/// Collects intervals of several sets that are disjoint. Each set gives its first `most` ones, so
/// the first `most` of all of them are complete.
class Collector {
 public:
  Collector(std::uint64_t from, std::size_t most) : from_(from), most_(most) {}

  void add(const IntervalSet& set, TaskState state) {
    for (const Interval& tasks : set.from(from_, most_)) add(tasks, {.state = state});
  }
  void add(Interval tasks, TaskSpan span) {
    tasks.begin = std::max(tasks.begin, from_);
    if (tasks.empty()) return;
    span.first = tasks.begin;
    span.count = tasks.size();
    spans_.push_back(std::move(span));
  }

  /// In order, without gaps: what no set has is `rest`.
  TaskPage page(std::uint64_t total, TaskState rest) {
    std::sort(spans_.begin(), spans_.end(),
              [](const TaskSpan& a, const TaskSpan& b) { return a.first < b.first; });
    TaskPage page;
    std::uint64_t at = from_;
    for (TaskSpan& span : spans_) {
      if (span.first > at) put(page, {at, span.first - at, rest, "", 0});
      at = span.first + span.count;
      put(page, std::move(span));
      if (page.spans.size() > most_) break;
    }
    if (at < total && page.spans.size() <= most_) put(page, {at, total - at, rest, "", 0});
    if (page.spans.size() > most_) {
      page.next = page.spans[most_].first;
      page.spans.resize(most_);
    }
    return page;
  }

 private:
  static void put(TaskPage& page, TaskSpan span) {
    TaskSpan* last = page.spans.empty() ? nullptr : &page.spans.back();
    const bool same = last && last->state == span.state && last->worker == span.worker &&
                      last->attempt == span.attempt;
    if (same)
      last->count += span.count;
    else
      page.spans.push_back(std::move(span));
  }

  const std::uint64_t from_;
  const std::size_t most_;
  std::vector<TaskSpan> spans_;
};

/// Of tasks that two workers have, the attempt that began first is shown.
void add_leases(const Job& job, const Leases& leases, const Workers& workers,
                Collector& collector) {
  for (const Lease* lease : leases.of(job.number, job.tasks.leases)) {
    if (!takes_resources(*lease) || lease->rival.speculative) continue;
    const std::string& name = workers.at(lease->worker).name;
    for (const Interval& tasks : lease->open.list())
      collector.add(tasks,
                    {.state = TaskState::leased, .worker = name, .attempt = lease->run.attempt});
  }
}

}  // namespace

TaskPage tasks_of(const Job& job, const Leases& leases, const Workers& workers,
                  const IntervalSet& blocked, std::uint64_t from, std::size_t most) {
  Collector collector(from, most);
  collector.add(job.tasks.pending, TaskState::waiting);
  collector.add(blocked, TaskState::blocked);
  collector.add(*job.tasks.unsure, TaskState::unsure);
  collector.add(*job.tasks.failed_set, TaskState::failed);
  collector.add(*job.tasks.cancelled_set, TaskState::cancelled);
  for (const auto& [due, tasks] : *job.tasks.backing_off)
    collector.add(tasks, {.state = TaskState::retrying});
  if (!job.final()) add_leases(job, leases, workers, collector);
  // All others have ended, well unless some were cancelled that were not remembered one by one.
  const bool known = job.tasks.cancelled == job.tasks.cancelled_set->size();
  return collector.page(job.tasks.total, known ? TaskState::done : TaskState::ended);
}

}  // namespace quern::broker
