#include "worker/process/nested_call.hpp"

#include <memory>
#include <utility>

#include "quern/error.hpp"

namespace quern::worker {
namespace {

// As the worker will check it: beyond this, the items are not even sent to it.
constexpr std::size_t kItemsMost = 65'536;

void put(NestedCall& call, Whole& whole) {
  call.kind = 0;
  call.encoding = static_cast<std::uint8_t>(whole.encoding);
  call.payloads.push_back(std::move(whole.bytes));
}

void put(NestedCall& call, const Range& range) {
  call.kind = 1;
  call.begin = range.begin;
  call.end = range.end;
}

void put(NestedCall& call, Items& items) {
  call.kind = 2;
  call.encoding = static_cast<std::uint8_t>(items.encoding);
  for (Bytes item; call.payloads.size() <= kItemsMost && items.next && items.next(item);) {
    if (items.cost) call.costs.push_back(items.cost(item));
    call.payloads.push_back(std::exchange(item, {}));
  }
}

template <typename Other>
void put(NestedCall&, const Other&) {
  throw SubmitError(ErrorCode::bad_input,
                    "a task can submit items, a range or one whole input, but no open job and no "
                    "results of other jobs");
}

Input input_of(NestedCall& call) {
  const auto encoding = static_cast<Encoding>(call.encoding);
  if (call.kind == 0) return Whole{std::move(call.payloads.at(0)), encoding};
  if (call.kind == 1) return Range{call.begin, call.end};
  Items items = Items::of(std::move(call.payloads), encoding);
  if (!call.costs.empty())
    items.cost = [costs = std::move(call.costs), next = std::size_t{0}](BytesView) mutable {
      return costs.at(next++);
    };
  return items;
}

}  // namespace

NestedCall nested_call(std::string function, Input&& input, SubmitOptions&& options) {
  if (!options.unique.empty() || !options.blobs.empty() || !options.after.empty())
    throw SubmitError(ErrorCode::bad_input,
                      "a job that a task submits cannot have an idempotency key, files or edges");
  NestedCall call;
  call.function = std::move(function);
  std::visit([&](auto& some) { put(call, some); }, input);
  call.name = std::move(options.name);
  call.priority = options.priority;
  call.weight = options.weight;
  call.attempts = options.attempts;
  call.backoff_ms = options.backoff.count();
  call.timeout_ms = options.timeout.count();
  call.reduce = std::move(options.reduce);
  call.cost = options.cost;
  call.has_common = options.common.has_value();
  if (options.common) call.common = std::move(*options.common);
  call.require = std::move(options.require);
  call.resources = std::move(options.resources);
  call.idempotent = options.idempotent;
  call.at_most_once = options.at_most_once;
  call.ttl_s = options.ttl.count();
  call.intermediate = options.intermediate;
  call.deadline_ms = options.deadline.count();
  call.metadata = std::move(options.metadata);
  call.nested = options.nested;
  return call;
}

NestedJob submit(Task& task, NestedCall&& call) {
  SubmitOptions options;
  options.name = std::move(call.name);
  options.priority = call.priority;
  options.weight = call.weight;
  options.attempts = call.attempts;
  options.backoff = std::chrono::milliseconds(call.backoff_ms);
  options.timeout = std::chrono::milliseconds(call.timeout_ms);
  options.reduce = std::move(call.reduce);
  options.cost = call.cost;
  if (call.has_common) options.common = std::move(call.common);
  options.require = std::move(call.require);
  options.resources = std::move(call.resources);
  options.idempotent = call.idempotent;
  options.at_most_once = call.at_most_once;
  options.ttl = std::chrono::seconds(call.ttl_s);
  options.intermediate = call.intermediate;
  options.deadline = std::chrono::milliseconds(call.deadline_ms);
  options.metadata = std::move(call.metadata);
  options.nested = call.nested;
  return task.submit(std::move(call.function), input_of(call), std::move(options));
}

NestedAnswer nested_answer(const NestedJob& job) {
  NestedAnswer answer;
  const NestedEnd& end = job.handle().wait();
  answer.accepted = job.handle().accepted();
  answer.state = static_cast<std::uint16_t>(end.outcome.state);
  answer.code = static_cast<std::uint16_t>(end.outcome.code);
  answer.text = end.outcome.text;
  answer.done = end.outcome.done;
  answer.failed = end.outcome.failed;
  answer.reduced = end.reduced;
  answer.has_value = end.value.has_value();
  if (end.value) answer.value = *end.value;
  answer.encoding = static_cast<std::uint8_t>(end.encoding);
  answer.tasks.reserve(end.results.size());
  for (const TaskResult& result : end.results)
    answer.tasks.push_back({result.index, result.ok, result.bytes,
                            static_cast<std::uint16_t>(result.code), result.text});
  return answer;
}

NestedEnd nested_end(NestedAnswer&& answer) {
  NestedEnd end;
  end.outcome.state = static_cast<JobState>(answer.state);
  end.outcome.code = static_cast<ErrorCode>(answer.code);
  end.outcome.text = std::move(answer.text);
  end.outcome.done = answer.done;
  end.outcome.failed = answer.failed;
  end.reduced = answer.reduced;
  if (answer.has_value) end.value = std::move(answer.value);
  end.encoding = static_cast<Encoding>(answer.encoding);
  for (NestedTask& task : answer.tasks) {
    const auto code = static_cast<ErrorCode>(task.code);
    if (!task.ok) end.outcome.errors.push_back({task.index, 1, code, task.text});
    end.results.push_back(
        {task.index, task.ok, std::move(task.bytes), code, std::move(task.text), end.encoding});
  }
  return end;
}

}  // namespace quern::worker
