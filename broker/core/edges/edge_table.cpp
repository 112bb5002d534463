#include "broker/core/edges/edge_table.hpp"

#include <algorithm>
#include <set>

#include "wire/limits.hpp"

namespace quern::broker {

const EdgeTable::Consumers& EdgeTable::consumers_of(const Job& job) const {
  static const Consumers none;
  const auto it = consumers_.find(job.number);
  return it == consumers_.end() ? none : it->second;
}

wire::IntervalSet EdgeTable::blocked(const Job& job) const {
  const Inflow* inflow = of(job);
  wire::IntervalSet blocked;
  if (!inflow || job.final()) return blocked;
  for (const auto& part : inflow->blocked.list())
    for (const auto& waiting : job.tasks.ended.missing(part)) blocked.add(waiting);
  return blocked;
}

std::vector<JobNumber> EdgeTable::dependants_of(const Job& job) const {
  std::set<JobNumber> found;
  std::vector<JobNumber> open{job.number};
  const auto visit = [&](const std::vector<JobNumber>& consumers) {
    for (const JobNumber consumer : consumers)
      if (consumer != job.number && found.insert(consumer).second) open.push_back(consumer);
  };
  while (!open.empty()) {
    const auto it = consumers_.find(open.back());
    open.pop_back();
    if (it == consumers_.end()) continue;
    visit(it->second.takers);
    visit(it->second.waiters);
  }
  return {found.begin(), found.end()};
}

Inflow& EdgeTable::add(Job& job, Inflow inflow) {
  job.phase.fed = true;
  Inflow& mine = inflows_[job.number] = std::move(inflow);
  const auto note = [&](std::vector<JobNumber>& consumers) {
    if (consumers.empty() || consumers.back() != job.number) consumers.push_back(job.number);
  };
  for (const auto& source : mine.sources) note(consumers_[source.job].takers);
  for (const auto& wait : mine.waits) note(consumers_[wait.job].waiters);
  for (const auto& source : mine.sources)
    if (Job* it = jobs_.find(source.job)) refresh(*it);
  for (const auto& wait : mine.waits)
    if (Job* it = jobs_.find(wait.job)) refresh(*it);
  return mine;
}

bool EdgeTable::needs(const Job& consumer, const Inflow& inflow, JobNumber job) {
  if (consumer.final()) return false;
  for (const auto& source : inflow.sources)
    if (source.job == job && (!source.over || !inflow.blocked.empty())) return true;
  return std::any_of(inflow.waits.begin(), inflow.waits.end(),
                     [&](const auto& wait) { return wait.job == job && !wait.over; });
}

void EdgeTable::refresh(Job& job) {
  const Consumers& consumers = consumers_of(job);
  job.phase.feeds = job.phase.gathered = false;
  for (const auto* list : {&consumers.takers, &consumers.waiters}) {
    for (const JobNumber number : *list) {
      const Job* consumer = jobs_.find(number);
      const Inflow* inflow = consumer ? of(*consumer) : nullptr;
      if (!inflow || !needs(*consumer, *inflow, job.number)) continue;
      job.phase.feeds = true;
      if (list == &consumers.takers && (inflow->gather || consumer->phase.hold.jobs))
        job.phase.gathered = true;
      if (list == &consumers.waiters) return;  // one of very many is enough
    }
  }
}

std::uint64_t EdgeTable::needed_from(const Job& job) {
  std::uint64_t from = job.output.results.end();
  for (const JobNumber number : consumers_of(job).takers) {
    const Job* consumer = jobs_.find(number);
    Inflow* inflow = consumer ? of(*consumer) : nullptr;
    if (!inflow) continue;
    if (consumer->final()) {
      // A retry of this job may revive its stopped tasks. What is kept for that never fills the
      // room that this job has for results.
      const bool fits = job.final() || job.output.results.bytes() <= wire::kResultWindow;
      if (fits && !inflow->stopped.empty()) return job.output.results.begin();
      continue;
    }
    for (const auto& source : inflow->sources) {
      if (source.job != job.number) continue;
      // Tasks that need its results may become known only when it is closed.
      const bool may_need = !source.over || !inflow->blocked.empty() || !inflow->stopped.empty();
      from = std::min(from, inflow->gather && may_need
                                ? inflow->gather->needs_from(source.number, source.cursor)
                                : source.cursor);
    }
  }
  return from;
}

std::uint64_t EdgeTable::on_read(const Job& job, std::uint64_t cursor) {
  const auto it = consumers_.find(job.number);
  if (it == consumers_.end()) return cursor;
  it->second.read_to = std::max(it->second.read_to, cursor);
  return droppable(job);
}

std::uint64_t EdgeTable::droppable(const Job& job) {
  const auto it = consumers_.find(job.number);
  if (it == consumers_.end()) return job.output.results.begin();
  const bool only_for_others = job.spec.options->intermediate && !it->second.takers.empty();
  return std::min(needed_from(job),
                  only_for_others ? job.output.results.end() : it->second.read_to);
}

void EdgeTable::sweep() {
  const auto is_gone = [&](JobNumber number) { return !jobs_.find(number); };
  std::erase_if(inflows_, [&](const auto& each) { return is_gone(each.first); });
  for (auto it = consumers_.begin(); it != consumers_.end();) {
    std::erase_if(it->second.takers, is_gone);
    std::erase_if(it->second.waiters, is_gone);
    it = is_gone(it->first) ? consumers_.erase(it) : std::next(it);
  }
}

}  // namespace quern::broker
