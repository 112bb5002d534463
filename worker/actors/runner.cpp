#include "worker/actors/runner.hpp"

#include <optional>
#include <utility>

#include "worker/actors/pace.hpp"

namespace quern::worker {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kClaim{1};    // work claimed at a time, which a reclaim cannot get back
constexpr milliseconds kQuantum{5};  // of a range function
constexpr milliseconds kFlush{100};  // maximum time that results wait for a report to fill
constexpr unsigned kHalvings =
    64;  // maximum number of extra calls per lease to find the failing tasks

Takes takes_of(wire::LeaseKind kind) {
  switch (kind) {
    case wire::LeaseKind::range:
      return Takes::range;
    case wire::LeaseKind::whole:
      return Takes::whole;
    default:
      return Takes::item;
  }
}

bool is_whole(const wire::Lease& lease) {
  return lease.kind == wire::LeaseKind::merge || lease.kind == wire::LeaseKind::finish;
}

/// The exception of a function: its text, and the output that the task had written.
struct Thrown {
  std::string text;
  std::optional<Bytes> output = std::nullopt;
  ErrorCode code = ErrorCode::failed;
};

template <typename F>
std::optional<Thrown> thrown_by(F&& call, const FunctionEntry* entry = nullptr) {
  try {
    call();
    return std::nullopt;
  } catch (const FailedWithOutput& error) {
    return Thrown{error.what(), error.output(),
                  error.permanent() ? ErrorCode::permanent : ErrorCode::failed};
  } catch (const Permanent& error) {
    return Thrown{error.what(), std::nullopt, ErrorCode::permanent};
  } catch (const std::exception& error) {
    const std::string text = error.what();
    return Thrown{text.empty() ? "the function threw an exception without a text" : text,
                  std::nullopt,
                  entry && !entry->may_retry(error) ? ErrorCode::permanent : ErrorCode::failed};
  } catch (...) {
    return Thrown{"the function threw something that is not a std::exception"};
  }
}

/// The tasks have failed. What one task has written goes to the client only with its last failure.
void add_error(Run& run, wire::Interval tasks, const Thrown& error) {
  const bool final = error.code == ErrorCode::permanent ||
                     (run.lease.attempts != 0 && run.lease.attempt >= run.lease.attempts);
  if (final && error.output && tasks.size() == 1)
    run.harvest.add_failure(tasks.begin, error.code, error.text, *error.output);
  else
    run.harvest.add_error(tasks, error.code, error.text);
}

}  // namespace

Harvest harvest_for(const wire::Lease& lease, const Functions& functions) {
  const FunctionEntry* entry = functions.find(lease.function, takes_of(lease.kind));
  const bool reduced = !is_whole(lease) && !lease.reduce.empty();
  return Harvest(lease, reduced ? Reducer::find(lease.reduce, functions) : std::nullopt,
                 entry ? entry->decl.encoding : Encoding::value);
}

std::vector<wire::Report> Runner::run(Run& run) {
  if (run_lease(run) != Step::done || run.cancelled()) return {};
  run.waited();  // so that it is deducted
  return run.harvest.take(true, run.busy_us_until(Clock::now()));
}

Runner::Step Runner::run_lease(Run& run) {
  const wire::Lease& lease = run.lease;
  if (lease.kind == wire::LeaseKind::merge) return run_merge(run);
  if (lease.kind == wire::LeaseKind::finish) return run_finish(run);
  const FunctionEntry* entry = functions_.find(lease.function, takes_of(lease.kind));
  if (!entry) {
    refuse(run, "this worker has no function '" + lease.function + "' for this kind of input");
    return Step::done;
  }
  if (!lease.reduce.empty() && !Reducer::find(lease.reduce, functions_)) {
    refuse(run, "this worker has no reducer '" + lease.reduce + "'");
    return Step::done;
  }
  return lease.kind == wire::LeaseKind::range ? run_ranges(run, *entry) : run_tasks(run, *entry);
}

void Runner::refuse(Run& run, const std::string& text) {
  while (const auto claim = run.cursor.claim(wire::kTasksMax))
    run.harvest.add_error(claim->tasks, ErrorCode::bad_input, text);
}

void Runner::flush(Run& run) {
  run.waited();  // so that it is deducted
  for (auto& report : run.harvest.take(false, run.busy_us_until(Clock::now())))
    post_(std::move(report));
}

// ---- items and whole inputs

Runner::Step Runner::run_tasks(Run& run, const FunctionEntry& entry) {
  Inputs inputs(run.lease);
  Call call(run, inputs.encoding());
  Pace pace(kClaim);
  const bool one_by_one = entry.batch && run.timed();  // a fence covers a whole call
  while (auto claim = run.cursor.claim(one_by_one ? 1 : pace.next())) {
    run.count_claim();
    if (claim->opens) run.harvest.break_partial();
    const auto began = Clock::now();
    const auto waited = run.waited();
    const std::uint64_t first = claim->tasks.begin;
    const Step step = entry.batch ? run_batch(run, entry, call, inputs, claim->tasks)
                                  : run_claim(run, entry, call, inputs, claim->tasks);
    if (step == Step::leave) return Step::leave;
    const auto now = Clock::now();
    const auto worked = now - began - (run.waited() - waited);
    pace.note(claim->tasks.end - first, worked);
    throttle_.after(worked, run);
    if (now - run.reported_at >= kFlush && !run.harvest.empty()) flush(run);
  }
  return Step::done;
}

// Runs a claim, or the part of it before an interruption; claim.end says how far it came.
Runner::Step Runner::run_claim(Run& run, const FunctionEntry& entry, Call& call, Inputs& inputs,
                               wire::Interval& claim) {
  for (std::uint64_t task = claim.begin; task < claim.end; ++task) {
    if (run.interrupted()) {
      if (run.cancelled()) return Step::leave;
      run.calm();
      if (task > claim.begin) {
        run.cursor.give_back(task);
        claim.end = task;
        return Step::done;
      }
    }
    call.set_item(task, inputs.next(task));
    if (run_task(run, entry, call, task) == Step::leave) return Step::leave;
    if (run.harvest.full()) flush(run);
  }
  return Step::done;
}

// One claim per call. Nothing of it can be returned during the call; it takes about a millisecond.
Runner::Step Runner::run_batch(Run& run, const FunctionEntry& entry, Call& call, Inputs& inputs,
                               wire::Interval claim) {
  if (run.cancelled()) return Step::leave;
  run.calm();
  std::vector<Bytes> made;  // integers of a range, each of which is valid only until the next
  std::vector<BytesView> items;
  made.reserve(run.lease.indexed ? claim.size() : 0);
  for (std::uint64_t task = claim.begin; task < claim.end; ++task)
    items.push_back(run.lease.indexed ? BytesView(made.emplace_back(inputs.next(task)))
                                      : inputs.next(task));
  call.set_item(claim.begin, items.front());
  Answers answers;
  if (run.timed() && !run.begin_call(claim)) return Step::leave;
  const auto error = thrown_by([&] { entry.batch(call, items, answers); }, &entry);
  if (run.timed() && !run.end_call()) return Step::leave;
  if (run.cancelled()) return Step::leave;
  std::uint64_t task = claim.begin;
  for (const auto& answer : answers.all()) {
    if (task == claim.end) break;
    const wire::Interval one{task, task + 1};
    ++task;
    if (answer.ok) {
      run.harvest.begin_result().append(answer.bytes);
      run.harvest.end_result(one);
    } else {
      run.harvest.add_error(one, ErrorCode::failed, answer.bytes);
    }
    if (run.harvest.full()) flush(run);
  }
  if (task < claim.end)
    run.harvest.add_error({task, claim.end}, error ? error->code : ErrorCode::failed,
                          error ? error->text : "the function returned no answer for this item");
  return Step::done;
}

Runner::Step Runner::run_task(Run& run, const FunctionEntry& entry, Call& call,
                              std::uint64_t task) {
  const wire::Interval tasks{task, task + 1};
  std::optional<Thrown> error;
  if (!run.timed()) {
    Output out(run.harvest.begin_result());
    error = thrown_by([&] { entry.body(call, out); }, &entry);
  } else {
    scratch_.clear();
    Output out(scratch_);
    if (!run.begin_call(tasks)) return Step::leave;
    error = thrown_by([&] { entry.body(call, out); }, &entry);
    if (!run.end_call()) return Step::leave;
    run.harvest.begin_result().append(scratch_);
  }
  if (error) {
    run.harvest.discard_result();
    add_error(run, tasks, *error);
  } else {
    run.harvest.end_result(tasks);
  }
  return Step::done;
}

// ---- ranges

Runner::Step Runner::run_ranges(Run& run, const FunctionEntry& entry) {
  Call call(run, Encoding::value);
  const auto limit =
      run.timed() ? milliseconds(std::min<std::uint64_t>(run.lease.timeout_ms / 4, 5)) : kQuantum;
  Pace pace(std::min<Clock::duration>(kQuantum, limit));
  unsigned halvings = kHalvings;
  // Without a reducer each task has a result of its own.
  const bool each = run.lease.reduce.empty();
  while (const auto claim = run.cursor.claim(each ? 1 : pace.next())) {
    if (run.cancelled()) return Step::leave;
    run.count_claim();
    if (claim->opens) run.harvest.break_partial();
    const auto began = Clock::now();
    const auto waited = run.waited();
    if (run_range(run, entry, call, claim->tasks, halvings) == Step::leave) return Step::leave;
    const auto now = Clock::now();
    const auto worked = now - began - (run.waited() - waited);
    pace.note(claim->tasks.size(), worked);
    throttle_.after(worked, run);
    if (run.harvest.full() || (each && now - run.reported_at >= kFlush)) flush(run);
  }
  return Step::done;
}

// One call for the run of tasks. If it fails, halves are tried, so that one bad task does not fail
// its neighbours.
Runner::Step Runner::run_range(Run& run, const FunctionEntry& entry, Call& call,
                               wire::Interval tasks, unsigned& halvings) {
  call.set_range(tasks);
  scratch_.clear();
  Output out(scratch_);
  if (run.timed() && !run.begin_call(tasks)) return Step::leave;
  const auto error = thrown_by([&] { entry.body(call, out); }, &entry);
  if (run.timed() && !run.end_call()) return Step::leave;
  if (run.cancelled()) return Step::leave;
  if (!error) {
    run.harvest.begin_result().append(scratch_);
    run.harvest.end_result(tasks);
  } else if (tasks.size() > 1 && halvings > 0 && !run.lease.once) {
    --halvings;
    const std::uint64_t middle = tasks.begin + tasks.size() / 2;
    if (run_range(run, entry, call, {tasks.begin, middle}, halvings) == Step::leave)
      return Step::leave;
    return run_range(run, entry, call, {middle, tasks.end}, halvings);
  } else {
    add_error(run, tasks, *error);
  }
  return Step::done;
}

// ---- merge and finish

Runner::Step Runner::run_merge(Run& run) {
  return run_whole(run, [&] {
    const auto reducer = Reducer::find(run.lease.function, functions_);
    if (!reducer)
      throw std::runtime_error("this worker has no reducer '" + run.lease.function + "'");
    Folder folder(*reducer);
    for (wire::BatchReader reader(run.lease.batch); !reader.at_end();)
      folder.add(Bytes(reader.next()));
    return folder.take();
  });
}

Runner::Step Runner::run_finish(Run& run) {
  return run_whole(run, [&] {
    for (const auto& entry : functions_.functions())
      if (entry.decl.name == run.lease.function && entry.finish)
        return entry.finish(wire::BatchReader(run.lease.batch).next(), run.lease.total);
    throw std::runtime_error("this worker's function '" + run.lease.function +
                             "' has no finish step");
  });
}

Runner::Step Runner::run_whole(Run& run, const std::function<Bytes()>& work) {
  const wire::Interval tasks = run.lease.tasks.front();
  const wire::Interval blamed{tasks.begin, tasks.begin + 1};
  const auto began = Clock::now();
  Bytes value;
  if (run.timed() && !run.begin_call(blamed)) return Step::leave;
  const auto error = thrown_by([&] { value = work(); });
  if (run.timed() && !run.end_call()) return Step::leave;
  if (error)
    run.harvest.add_error(blamed, error->code, error->text);
  else
    run.harvest.add_whole(tasks, value);
  throttle_.after(Clock::now() - began, run);
  return Step::done;
}

}  // namespace quern::worker
