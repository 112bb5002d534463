#include "broker/core/edges/feeding.hpp"

#include <algorithm>
#include <utility>

#include "broker/core/edges/joined.hpp"
#include "broker/core/edges/upstream.hpp"

namespace quern::broker {
namespace {

// Results go to a consumer until this many bytes of its input wait, as long as it has something to
// run.
constexpr std::uint64_t kFeedAhead = 16u << 20;

// Results are requested from the store this far ahead.
constexpr std::uint64_t kLoadResultsAhead = 4u << 20;

// More failed tasks than these do not get a description of the error each; they fail.
constexpr std::uint64_t kDescribedMost = 65'536;

// Errors in one entry: they travel in the header of a message.
constexpr std::size_t kErrorsMost = 500;

}  // namespace

void Feeding::advance() {
  if (table_.empty()) return;
  due_ = jobs_.changed();
  for (std::size_t i = 0; i < due_.size(); ++i) {
    Job* job = jobs_.find(due_[i]);
    if (!job) continue;
    if (job->phase.fed) feed(*job);
    if (!job->phase.feeds) {
      // Nobody else reads them, so they would fill its room if the jobs that took them have ended.
      if (job->spec.options->intermediate) drop_results(*job);
      continue;
    }
    if (context_.config.mistake == Mistake::lose_wakeup && job->final()) continue;
    const EdgeTable::Consumers& consumers = table_.consumers_of(*job);
    for (const JobNumber number : consumers.takers)
      if (Job* taker = jobs_.find(number); taker && taker != job) feed(*taker);
    if (job->final())
      for (const JobNumber number : consumers.waiters)
        if (Job* waiter = jobs_.find(number)) feed(*waiter);
    drop_results(*job);
  }
  due_.clear();
}

void Feeding::feed(Job& job) {
  Inflow* inflow = table_.of(job);
  if (!inflow) return;
  const std::uint64_t results = job.output.results.end();
  pull(job, *inflow);
  // It may have failed tasks now, which concerns the jobs that depend on it.
  if (job.phase.feeds && job.output.results.end() != results) due_.push_back(job.number);
}

void Feeding::drop_results(Job& job) {
  const std::uint64_t to = table_.droppable(job);
  if (to <= job.output.results.begin()) return;
  const JobChange change = changes_.begin(job);
  job.output.results.release_to(to);
  context_.dispatch_needed = true;  // there is room for more results
}

void Feeding::leave(Job& job, Inflow& inflow) {
  if (std::exchange(inflow.left, true)) return;
  inflow.blocked.clear();
  const auto tell = [&](JobNumber number) {
    Job* upstream = jobs_.find(number);
    if (!upstream || !upstream->phase.feeds) return;
    table_.refresh(*upstream);
    drop_results(*upstream);
  };
  for (const auto& source : inflow.sources) tell(source.job);
  for (const auto& wait : inflow.waits) tell(wait.job);
  // Only tasks that failed because of others may run again, and then the results come again.
  if (inflow.stopped.empty()) {
    inflow.gather.reset();
    accounts_.set_extra(job, 0);
  } else if (inflow.gather) {
    inflow.gather->reset();
    accounts_.set_extra(job, inflow.gather->bytes());
  }
  job.phase.hold.jobs = false;
}

void Feeding::cancel_blocked(Job& job, Inflow& inflow) {
  if (job.phase.winding_down && !inflow.blocked.empty())
    cancelling_.cancel_tasks(job, inflow.blocked.list());
  if (inflow.cancelled_seen == job.tasks.cancelled) return;
  inflow.cancelled_seen = job.tasks.cancelled;
  for (const auto& part : inflow.blocked.list())
    for (const auto& ended : job.tasks.ended.intersect(part)) inflow.blocked.remove(ended);
}

void Feeding::pull(Job& job, Inflow& inflow) {
  if (job.final()) return leave(job, inflow);
  cancel_blocked(job, inflow);
  if (inflow.takes_results() && !job.has_failed()) pull_results(job, inflow);
  if (!job.has_failed()) wait(job, inflow);
}

void Feeding::pull_results(Job& job, Inflow& inflow) {
  bool over = true, moved = false;
  for (auto& source : inflow.sources) {
    const std::uint64_t cursor = source.cursor;
    if (inflow.gather)
      pull_gathered(job, inflow, source);
    else
      pull_each(job, inflow, source);
    if (job.has_failed()) return;
    over = over && (source.over || source.job == job.number);
    moved = moved || source.cursor != cursor || source.over;
  }
  if (inflow.gather) moved = assemble(job, inflow) || moved;
  if (job.intake.open && over && inflow.blocked.empty()) close(job);
  if (!moved) return;
  for (const auto& source : inflow.sources)
    if (Job* from = jobs_.find(source.job); from && from->phase.feeds) {
      if (over) table_.refresh(*from);
      drop_results(*from);
    }
}

void Feeding::wait(Job& job, Inflow& inflow) {
  if (!job.phase.hold.jobs) return;
  bool held = false;
  for (auto& wait : inflow.waits) {
    if (wait.over) continue;
    Job* first = jobs_.find(wait.job);
    if (first && !first->final()) {
      held = true;
      continue;
    }
    const bool is_good = wait.ended || (first && first->phase.state == JobState::done);
    // Its tasks can fail, and be revived, only when they are all known.
    if (!is_good && !knows_all_tasks(job, inflow)) {
      held = true;
      continue;
    }
    wait.over = true;
    if (first) table_.refresh(*first);
    if (is_good) continue;
    const std::string why =
        !first ? "job " + std::to_string(value(wait.job)) + " was lost" : bad_end(*first);
    return stop_all(job, inflow, why);
  }
  if (held) return;
  job.phase.hold.jobs = false;
  for (const auto& source : inflow.sources)
    if (Job* from = jobs_.find(source.job)) table_.refresh(*from);
  note_ready(job);
}

bool Feeding::knows_all_tasks(const Job& job, const Inflow& inflow) const {
  if (!job.intake.open) return true;
  if (!inflow.takes_results()) return false;
  return std::all_of(inflow.sources.begin(), inflow.sources.end(), [&](const auto& source) {
    const Job* from = jobs_.find(source.job);
    return !from || from == &job || from->final();
  });
}

void Feeding::stop_all(Job& job, Inflow& inflow, const std::string& why) {
  const wire::Intervals rest = job.tasks.ended.missing({0, job.tasks.total});
  if (rest.empty()) {
    job.fail(ErrorCode::upstream_failed, why);
    return jobs_.touch(job);
  }
  job.phase.hold.jobs = false;
  for (auto& source : inflow.sources) source.over = true;
  for (const auto& part : job.tasks.pending.list()) inflow.parked.add(part);
  job.tasks.pending.clear();
  stop(job, inflow, rest, {0, 1, ErrorCode::upstream_failed, why});
  if (job.intake.open) close(job);
}

void Feeding::note_ready(Job& job) {
  jobs_.touch(job);
  context_.dispatch_needed = true;
  if (ready_.empty() || ready_.back() != job.number) ready_.push_back(job.number);
}

bool Feeding::touch_ready() {
  for (const JobNumber number : ready_)
    if (Job* job = jobs_.find(number)) jobs_.touch(*job);
  return !ready_.empty();
}

void Feeding::grow(Job& job, Inflow& inflow, std::uint64_t total) {
  if (total == job.tasks.total ||
      (job.run.decision && job.run.decision->takes == Takes::whole && !job.intake.open))
    return;
  const JobChange change = changes_.begin(job);
  if (total > job.tasks.total) {
    inflow.blocked.add({job.tasks.total, total});
  } else {
    // The earlier job became one task, because its function takes the whole input at once.
    const wire::Interval gone{total, job.tasks.total};
    if (!inflow.blocked.contains(gone)) return;
    inflow.blocked.remove(gone);
  }
  job.tasks.total = job.intake.accepted = total;
}

void Feeding::close(Job& job) {
  const JobChange change = changes_.begin(job);
  job.intake.open = false;
  // It may have waited for the end of its input.
  if (!job.run.decision) decider_.decide_job(job);
  note_ready(job);
}

bool Feeding::is_out_of_memory(Job& job) {
  if (job.durable() || accounts_.memory_used() <= context_.config.memory_limit) return false;
  job.fail(ErrorCode::limit,
           "the results that its tasks wait for exceed the memory of the broker "
           "(--memory-limit): submit the jobs with --durability durable, so that they can wait "
           "in the store");
  jobs_.touch(job);
  return true;
}

bool Feeding::is_fed(const Job& job) {
  return job.intake.payloads.queued_bytes() > kFeedAhead && !job.tasks.pending.empty();
}

void Feeding::take_in(Job& job, Inflow& inflow, std::uint64_t first, const wire::Batch& batch) {
  const JobChange change = changes_.begin(job);
  const wire::Interval tasks{first, first + batch.count()};
  job.intake.bytes += batch.weight();
  journal_.put_input(job, first, batch);
  job.tasks.pending.add(tasks);
  inflow.blocked.remove(tasks);
  plans_.on_changed(job);
  job.commits.leases = std::max(job.commits.leases, job.commits.latest);
  note_ready(job);
}

void Feeding::stop(Job& job, Inflow& inflow, const wire::Intervals& tasks, const TaskError& why) {
  if (tasks.empty()) return;
  const JobChange change = changes_.begin(job);
  std::vector<TaskError> errors;
  for (const auto& part : tasks) {
    inflow.blocked.remove(part);
    inflow.stopped.add(part);
    returns_.end_failed(job, part);
    errors.push_back({part.begin, part.size(), why.code, why.text});
    if (errors.size() == kErrorsMost)
      journal_.append_result(job, {.errors = std::exchange(errors, {})});
  }
  if (!errors.empty()) journal_.append_result(job, {.errors = std::move(errors)});
  jobs_.touch(job);
}

bool Feeding::is_here(Job& from, std::uint64_t seq) {
  if (from.output.results.at(seq).place == ResultEntry::Place::memory) return true;
  for (const std::uint64_t wanted : from.output.results.wanted(seq, kLoadResultsAhead))
    context_.effects.push_back(LoadResult{from.number, wanted});
  return false;  // the job is touched when it has been loaded
}

void Feeding::give_up_rest(Job& job, Inflow& inflow, const Inflow::Source& source,
                           const std::string& why) {
  const TaskError error{0, 1, ErrorCode::upstream_failed, why};
  if (!inflow.gather) {
    const wire::Intervals rest = inflow.blocked.list();
    if (!source.ended || wire::size(rest) > kDescribedMost) return stop(job, inflow, rest, error);
    for (const auto& part : rest)
      describe(job, inflow, part, {0, 1, ErrorCode::cancelled, why}, source.job);
    return;
  }
  wire::IntervalSet stopped;
  for (std::uint64_t index = 0; index < inflow.gather->results(source.number); ++index) {
    if (!inflow.gather->waits_for(source.number, index)) continue;
    if (source.ended) {
      inflow.gather->deliver(source.number, index,
                             wire::Buffer::adopt(described({index, 1, ErrorCode::cancelled, why},
                                                           source.job, job.intake.encoding)));
      continue;
    }
    for (const std::uint64_t task : inflow.gather->fail(source.number, index))
      if (inflow.blocked.contains(task)) stopped.add({task, task + 1});
  }
  stop(job, inflow, stopped.list(), error);
}

Job* Feeding::find(Job& job, Inflow& inflow, Inflow::Source& source) {
  if (source.over) return nullptr;
  Job* from = jobs_.find(source.job);
  if (from) return from;
  source.over = true;
  give_up_rest(job, inflow, source, "job " + std::to_string(value(source.job)) + " was lost");
  return nullptr;
}

void Feeding::finish(Job& job, Inflow& inflow, Inflow::Source& source, const Job& from) {
  source.over = true;
  give_up_rest(job, inflow, source, bad_end(from));
}

void Feeding::pull_each(Job& job, Inflow& inflow, Inflow::Source& source) {
  Job* from = find(job, inflow, source);
  if (!from) return;
  if (is_reduced(*from)) {
    job.fail(ErrorCode::bad_input, name_of(*from) + " has one result, because the reducer `" +
                                       from->run.decision->reduce +
                                       "` combines its tasks: use the pattern `all`");
    jobs_.touch(job);
    return;
  }
  if (job.phase.hold.jobs && is_out_of_memory(job)) return;
  grow(job, inflow, from->tasks.total);
  if (from->run.decision && source.cursor == from->output.results.begin() &&
      job.intake.payloads.end() == 0)
    job.intake.encoding = from->run.decision->encoding;
  ResultLog& results = from->output.results;
  for (; source.cursor < results.end(); ++source.cursor) {
    if (is_fed(job)) return;
    const ResultEntry& entry = results.at(source.cursor);
    const bool wanted = std::any_of(entry.tasks.begin(), entry.tasks.end(), [&](const auto& tasks) {
      return !inflow.blocked.intersect(tasks).empty();
    });
    if (wanted && !is_here(*from, source.cursor)) return;
    if (wanted) take_entry(job, inflow, entry);
    take_errors(job, inflow, source, *from, entry);
  }
  if (from->final()) finish(job, inflow, source, *from);
}

void Feeding::take_entry(Job& job, Inflow& inflow, const ResultEntry& entry) {
  std::uint64_t row = 0, offset = 0;
  for (const auto& tasks : entry.tasks) {
    const wire::Batch all{
        entry.batch.sizes.slice(row, row + tasks.size()),
        entry.batch.bytes.slice(offset, entry.batch.sizes.sum(row, row + tasks.size()))};
    for (const auto& part : inflow.blocked.intersect(tasks)) {
      const std::uint64_t skip = part.begin - tasks.begin;
      const std::uint64_t at = all.sizes.sum(0, skip);
      const std::uint64_t bytes = all.sizes.sum(skip, skip + part.size());
      take_in(job, inflow, part.begin,
              {all.sizes.slice(skip, skip + part.size()), all.bytes.slice(at, bytes)});
    }
    row += tasks.size();
    offset += all.bytes.size();
  }
}

void Feeding::take_errors(Job& job, Inflow& inflow, const Inflow::Source& source, const Job& from,
                          const ResultEntry& entry) {
  for (const TaskError& error : entry.errors) {
    const wire::Interval failed{error.first, error.first + error.count};
    const TaskError why{error.first, error.count, ErrorCode::upstream_failed, blame(from, error)};
    if (inflow.gather) {
      wire::IntervalSet stopped;
      const std::uint64_t end = std::min(failed.end, inflow.gather->results(source.number));
      for (std::uint64_t index = failed.begin; index < end; ++index) {
        if (source.ended) {
          inflow.gather->deliver(source.number, index,
                                 wire::Buffer::adopt(described({index, 1, error.code, error.text},
                                                               from.number, job.intake.encoding)));
          continue;
        }
        for (const std::uint64_t task : inflow.gather->fail(source.number, index))
          if (inflow.blocked.contains(task)) stopped.add({task, task + 1});
      }
      stop(job, inflow, stopped.list(), why);
      continue;
    }
    const wire::Intervals parts = inflow.blocked.intersect(failed);
    if (!source.ended || wire::size(parts) > kDescribedMost) {
      stop(job, inflow, parts, why);
      continue;
    }
    for (const auto& part : parts) describe(job, inflow, part, error, from.number);
  }
}

void Feeding::describe(Job& job, Inflow& inflow, wire::Interval tasks, const TaskError& error,
                       JobNumber from) {
  wire::BatchBuilder builder;
  for (std::uint64_t task = tasks.begin; task < tasks.end; ++task)
    builder.add(described({task, 1, error.code, error.text}, from, job.intake.encoding));
  take_in(job, inflow, tasks.begin, builder.take());
}

}  // namespace quern::broker
