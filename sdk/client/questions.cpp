// The calls of a client that ask the broker and wait for its answer.
#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "client/client_impl.hpp"
#include "wire/limits.hpp"
#include "wire/text.hpp"

namespace quern {

using client::Reply;

namespace {

JobStatus job_in(Reply reply, JobNumber number) {
  auto answer = client::answer_in(std::move(reply));
  if (answer.jobs.empty())
    throw Error(ErrorCode::unknown_job, "there is no job " + std::to_string(value(number)));
  return std::move(answer.jobs.front());
}

Touched touched_in(Reply reply) {
  if (auto* update = std::get_if<wire::JobUpdate>(&reply))
    return {std::move(update->status), update->touched};
  throw Error(ErrorCode::malformed,
              "the broker's answer does not match the request; is it another version of Quern?");
}

JobStatus status_in(Reply reply) { return touched_in(std::move(reply)).job; }

/// In order, and those that overlap made one, as they travel.
wire::Intervals intervals_of(const std::vector<TaskInterval>& several) {
  wire::IntervalSet all;
  for (const TaskInterval& tasks : several) {
    if (tasks.begin >= tasks.end || tasks.end > wire::kTasksMax)
      throw Error(ErrorCode::bad_input, "an interval of tasks is empty or beyond 2^62");
    all.add({tasks.begin, tasks.end});
  }
  return all.list();
}

wire::Query query(wire::QueryWhat what, JobNumber number = {}) {
  wire::Query q;
  q.what = what;
  q.number = number;
  return q;
}

}  // namespace

std::vector<JobStatus> Client::jobs(std::size_t limit) {
  return jobs(JobQuery{.limit = limit}).jobs;
}

JobPage Client::jobs(const JobQuery& wanted) {
  for (const std::string* condition : {&wanted.function, &wanted.owner, &wanted.name, &wanted.text})
    if (condition->size() > wire::kNameBytesMax || !wire::valid_utf8(*condition))
      throw Error(ErrorCode::bad_input,
                  "a condition for jobs must be UTF-8 of at most 255 bytes: shorten it");
  JobPage all;
  all.before = wanted.before;
  do {
    wire::Query page = query(wire::QueryWhat::jobs);
    page.limit = wanted.limit - all.jobs.size();
    page.before = all.before;
    page.states = wanted.states;
    page.function = wanted.function;
    page.owner = wanted.owner;
    page.name = wanted.name;
    page.text = wanted.text;
    wire::Answer answer = client::answer_in(impl_->ask(std::move(page)));
    all.before = answer.before;
    std::move(answer.jobs.begin(), answer.jobs.end(), std::back_inserter(all.jobs));
  } while (value(all.before) != 0 && all.jobs.size() < wanted.limit);
  return all;
}

JobStatus Client::job(JobNumber number) {
  return job_in(impl_->ask(query(wire::QueryWhat::job, number)), number);
}

JobStatus Client::timeline(JobNumber number) {
  return job_in(impl_->ask(query(wire::QueryWhat::timeline, number)), number);
}

JobStatus Client::cancel(JobNumber number, std::uint64_t first_task, std::uint64_t task_count) {
  CancelQuery tasks;
  if (task_count > 0) tasks.tasks = {{first_task, first_task + task_count}};
  return cancel(number, tasks).job;
}

JobStatus Client::cancel_waiting(JobNumber number) {
  wire::Cancel cancel;
  cancel.number = number;
  cancel.waiting = true;
  return status_in(impl_->ask(std::move(cancel)));
}

JobStatus Client::retry(JobNumber number) { return retry(number, RetryQuery{}).job; }

Touched Client::retry(JobNumber number, const RetryQuery& wanted) {
  wire::Retry retry;
  retry.number = number;
  retry.tasks = intervals_of(wanted.tasks);
  retry.code = wanted.code;
  retry.text = wanted.text;
  retry.dry_run = wanted.dry_run;
  return touched_in(impl_->ask(std::move(retry)));
}

Touched Client::cancel(JobNumber number, const CancelQuery& wanted) {
  wire::Cancel cancel;
  cancel.number = number;
  cancel.tasks = intervals_of(wanted.tasks);
  cancel.dry_run = wanted.dry_run;
  cancel.tree = wanted.tree;
  return touched_in(impl_->ask(std::move(cancel)));
}

JobStatus Client::pause(JobNumber number) {
  return status_in(impl_->ask(wire::Pause{.number = number}));
}

JobStatus Client::resume(JobNumber number) {
  return status_in(impl_->ask(wire::Pause{.number = number, .resume = true}));
}

std::vector<WorkerStatus> Client::workers() {
  std::vector<WorkerStatus> all;
  std::string after;
  do {
    wire::Query page = query(wire::QueryWhat::workers);
    page.limit = wire::kListMax;
    page.after = after;
    wire::Answer answer = client::answer_in(impl_->ask(page));
    after = answer.after;
    std::move(answer.workers.begin(), answer.workers.end(), std::back_inserter(all));
  } while (!after.empty());
  return all;
}

BrokerStatus Client::broker() {
  return client::answer_in(impl_->ask(query(wire::QueryWhat::broker)))
      .broker.value_or(BrokerStatus{});
}

ErrorGroups Client::errors(JobNumber number, std::size_t limit) {
  std::map<std::pair<ErrorCode, std::string>, ErrorGroup> groups;
  wire::Query page = query(wire::QueryWhat::errors, number);
  do {
    wire::Answer answer = client::answer_in(impl_->ask(page));
    for (ErrorGroup& group : answer.errors) {
      const auto [at, fresh] = groups.try_emplace({group.code, group.text}, group);
      if (fresh) continue;
      ErrorGroup& all = at->second;
      all.first = std::min(all.first, group.first);
      all.last = std::max(all.last, group.last);
      all.count += group.count;
    }
    page.cursor = answer.cursor;
    page.skip = answer.skip;
  } while (page.cursor != 0 || page.skip != 0);
  ErrorGroups out;
  for (auto& [key, group] : groups) {
    out.tasks += group.count;
    out.groups.push_back(std::move(group));
  }
  std::stable_sort(out.groups.begin(), out.groups.end(),
                   [](const auto& a, const auto& b) { return a.count > b.count; });
  if (out.groups.size() > limit) {
    out.more = out.groups.size() - limit;
    out.groups.resize(limit);
  }
  return out;
}

TaskPage Client::tasks(JobNumber number, std::uint64_t from, std::size_t limit) {
  wire::Query page = query(wire::QueryWhat::tasks, number);
  page.cursor = from;
  page.limit = limit;
  wire::Answer answer = client::answer_in(impl_->ask(std::move(page)));
  return {std::move(answer.tasks), answer.cursor};
}

std::vector<TaskNote> Client::notes(JobNumber number) {
  return client::answer_in(impl_->ask(query(wire::QueryWhat::notes, number))).notes;
}

std::vector<std::string> Client::explain(JobNumber number) {
  return client::answer_in(impl_->ask(query(wire::QueryWhat::explain, number))).text;
}

std::string Client::drain(std::string_view worker) {
  wire::Drain drain;
  drain.worker = worker;
  const auto text = client::answer_in(impl_->ask(std::move(drain))).text;
  return text.empty() ? std::string() : text.front();
}

}  // namespace quern
