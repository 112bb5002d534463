// The patterns whose tasks take several results each: `group`, `all` and `list`.
#include <algorithm>

#include "broker/core/edges/feeding.hpp"
#include "broker/core/edges/joined.hpp"
#include "broker/core/edges/upstream.hpp"
#include "wire/limits.hpp"

namespace quern::broker {
namespace {

// Links between results and tasks, as many as the links of a graph that fit into a message.
constexpr std::uint64_t kLinksMost = 1u << 24;

const Inflow::Source& source_of(const Inflow& inflow, Gather::Source number) {
  return *std::find_if(inflow.sources.begin(), inflow.sources.end(),
                       [&](const auto& source) { return source.number == number; });
}

}  // namespace

void Feeding::take_places(Inflow& inflow, const Inflow::Source& source, std::uint64_t seq,
                          const ResultEntry& entry) {
  std::uint64_t row = 0;
  std::uint32_t offset = 0;
  for (const auto& tasks : entry.tasks)
    for (std::uint64_t index = tasks.begin; index < tasks.end; ++index) {
      const std::uint32_t size = entry.batch.sizes.at(row++);
      inflow.gather->deliver(source.number, index, ResultPlace{seq, offset, size});
      offset += size;
    }
}

void Feeding::take_value(Job& job, Inflow& inflow, const Inflow::Source& source, const Job& from) {
  if (!from.final()) return;
  if (from.phase.state == JobState::done && from.output.value) {
    inflow.gather->deliver(source.number, 0, *from.output.value);
    return;
  }
  take_errors(job, inflow, source, from,
              {.errors = {{0, 1, from.phase.failure, *from.phase.reason}}});
}

bool Feeding::gather_all(Job& job, Inflow& inflow, std::uint64_t total, bool closed) {
  Gather& gather = *inflow.gather;
  if (total > gathered_most(context_.config) || gather.links_of(total) > kLinksMost) {
    job.fail(ErrorCode::limit,
             total > gathered_most(context_.config)
                 ? too_many_results(total, context_.config)
                 : "its groups would take " + std::to_string(gather.links_of(total)) +
                       " results, and the limit is " + std::to_string(kLinksMost) +
                       ": use a larger step, or narrower groups");
    jobs_.touch(job);
    return false;
  }
  const std::uint64_t before = gather.results(wire::TaskGraph::kEdges);
  grow(job, inflow, gather.grow(total, closed));
  if (gather.results(wire::TaskGraph::kEdges) != before) accounts_.set_extra(job, gather.bytes());
  return true;
}

void Feeding::pull_gathered(Job& job, Inflow& inflow, Inflow::Source& source) {
  Job* from = find(job, inflow, source);
  if (!from) return;
  const bool reduced = is_reduced(*from);
  const bool whole = from->run.decision || from->final();
  if (whole && !gather_all(job, inflow, reduced ? 1 : from->tasks.total,
                           reduced ? from->final() : !from->intake.open))
    return;
  if (from->run.decision && source.job != job.number && source.number == wire::TaskGraph::kEdges &&
      inflow.join == Join::automatic && job.intake.payloads.end() == 0 && inflow.edges.size() > 0 &&
      inflow.edges.front().pattern != EdgePattern::list)
    job.intake.encoding = encoding_of(*from);
  if (reduced) take_value(job, inflow, source, *from);
  ResultLog& results = from->output.results;
  for (; source.cursor < results.end(); ++source.cursor) {
    const ResultEntry& entry = results.at(source.cursor);
    // The sizes are needed to know where the results are.
    if (!entry.tasks.empty() && !is_here(*from, source.cursor)) return;
    if (!reduced) take_places(inflow, source, source.cursor, entry);
    // Stopping tasks of this job appends to its own log, which may be this one.
    const ResultEntry errors{.errors = entry.errors};
    if (!reduced) take_errors(job, inflow, source, *from, errors);
  }
  if (from->final()) finish(job, inflow, source, *from);
}

bool Feeding::assemble(Job& job, Inflow& inflow) {
  if (is_out_of_memory(job)) return false;
  stop_late(job, inflow);
  if (!inflow.gather->has_ready()) return false;
  wire::BatchBuilder builder;
  std::uint64_t first = 0;
  wire::IntervalSet too_large;
  const auto flush = [&] {
    if (builder.empty()) return;
    const wire::Batch batch = builder.take();
    take_in(job, inflow, first, batch);
  };
  for (const std::uint64_t task : inflow.gather->take_ready()) {
    if (is_fed(job)) {  // the others are put together when these have been leased
      inflow.gather->put_back(task);
      continue;
    }
    if (!inflow.blocked.contains(task)) {  // it had its input before the broker was restarted
      inflow.gather->release(task);
      continue;
    }
    Bytes payload;
    if (!put_together(job, inflow, task, payload)) {
      inflow.gather->put_back(task);
      continue;
    }
    if (payload.size() > wire::kItemBytesMax) {
      too_large.add({task, task + 1});
    } else {
      if (!builder.empty() && (first + builder.count() != task ||
                               builder.weight() + payload.size() > wire::kBatchBytesMax ||
                               builder.count() >= wire::kBatchTasksMax))
        flush();
      if (builder.empty()) first = task;
      builder.add(payload);
    }
    inflow.gather->release(task);
  }
  flush();
  stop(job, inflow, too_large.list(),
       {0, 1, ErrorCode::limit,
        "the results that it takes exceed the limit of " +
            std::to_string(wire::kItemBytesMax >> 20) + " MiB for one task"});
  return true;
}

void Feeding::stop_late(Job& job, Inflow& inflow) {
  for (const auto& [task, result] : inflow.gather->take_stopped()) {
    if (!inflow.blocked.contains(task)) continue;
    TaskError why{0, 1, ErrorCode::upstream_failed, "a result that it needs is missing"};
    const Job* from = jobs_.find(source_of(inflow, result.source).job);
    const ResultLog* results = from ? &from->output.results : nullptr;
    for (std::uint64_t seq = results ? results->begin() : 0; results && seq < results->end(); ++seq)
      for (const TaskError& error : results->at(seq).errors)
        if (error.first <= result.index && result.index - error.first < error.count)
          why.text = blame(*from, error);
    stop(job, inflow, {{task, task + 1}}, why);
  }
}

bool Feeding::put_together(Job& job, Inflow& inflow, std::uint64_t task, Bytes& payload) {
  Joined joined(inflow.join, job.intake.encoding);
  bool here = true;
  for (const Gather::Input& input : inflow.gather->inputs(task)) {
    if (input.value) {
      joined.add(input.bytes, inflow.values);
    } else if (input.made) {
      // A reduced value, or the description of an error.
      const Job* from = jobs_.find(source_of(inflow, input.source).job);
      joined.add(input.made->view(),
                 from && is_reduced(*from) ? encoding_of(*from) : job.intake.encoding);
    } else {
      Job& from = jobs_.at(source_of(inflow, input.source).job);
      if (!is_here(from, input.place.entry)) {
        here = false;
        continue;
      }
      const ResultEntry& entry = from.output.results.at(input.place.entry);
      joined.add(entry.batch.bytes.view().substr(input.place.offset, input.place.size),
                 encoding_of(from));
    }
  }
  if (here) payload = joined.take();
  return here;
}

}  // namespace quern::broker
