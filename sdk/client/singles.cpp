#include "client/singles.hpp"

#include <map>
#include <utility>

#include "client/failure.hpp"

namespace quern::client {
namespace {

// Tasks per lock of the group's mutex, so that submitters can run in between.
constexpr std::uint64_t kRoutedAtOnce = 256;
// Acknowledges after this many bytes, or when nothing is outstanding.
constexpr std::uint64_t kAckFrom = wire::kResultWindow / 8;

/// What failed tasks have written, by task. Views into `results`.
std::map<std::uint64_t, BytesView> outputs_of(const wire::Results& results) {
  std::map<std::uint64_t, BytesView> outputs;
  if (results.written.empty()) return outputs;
  std::uint64_t position = wire::size(results.tasks);
  auto offset = static_cast<std::size_t>(results.batch.sizes.sum(0, position));
  for (const auto& tasks : results.written) {
    for (std::uint64_t task = tasks.begin; task < tasks.end; ++task, ++position) {
      const std::size_t size = results.batch.sizes.at(position);
      outputs[task] = results.batch.bytes.view().substr(offset, size);
      offset += size;
    }
  }
  return outputs;
}

Progress progress_of(const Outcome& outcome) {
  Progress progress;
  progress.total = 1;
  progress.state = outcome.state;
  progress.done = outcome.done;
  progress.cancelled = outcome.state == JobState::cancelled ? 1 : 0;
  progress.failed = progress.cancelled > 0 ? 0 : outcome.failed;
  progress.reason = outcome.text;
  return progress;
}

}  // namespace

// ---- the group

std::shared_ptr<SingleJob> SingleGroup::submit(BytesView input) {
  auto self = shared_from_this();
  Lock lock(mutex_);
  if (ended_) return nullptr;
  auto job = std::make_shared<SingleJob>(std::move(self), base_ + tasks_.size());
  tasks_.push_back(job);
  ++unfinished_;
  // Under the lock, so that handles and payloads are in one order.
  queue_->put(input);
  return job;
}

void SingleGroup::on_accepted(const Accepted& accepted) {
  Lock lock(mutex_);
  uuid_ = accepted.uuid;
  number_ = accepted.number;
  wake();
  lock.unlock();
  show_progress();
}

void SingleGroup::tell_intake() {
  if (value(number_) == 0 && !ended_) return;
  Intake intake{ErrorCode::none, {}, uuid_, number_, false};
  if (value(number_) == 0) {
    intake.code = ended_->failure.code;
    intake.text = ended_->failure.text;
  }
  for (IntakeCallback& callback : std::exchange(intake_callbacks_, {}))
    calls_.push_back([tell = std::move(callback), intake] { tell(intake); });
}

SingleJob* SingleGroup::task(std::uint64_t index) {
  if (index < base_ || index - base_ >= tasks_.size()) return nullptr;
  SingleJob* job = tasks_[static_cast<std::size_t>(index - base_)].get();
  return job->state_.load(std::memory_order_relaxed) == SingleJob::State::waiting ? job : nullptr;
}

void SingleGroup::finish(SingleJob& job, SingleJob::State state) {
  job.state_.store(state, std::memory_order_release);
  --unfinished_;
  if (job.extras_ && !job.extras_->at_end.empty())
    for (EndCallback& callback : std::exchange(job.extras_->at_end, {}))
      continuations_.push_back([tell = std::move(callback), how = job.outcome()] { tell(how); });
  if (callbacks_.empty()) return;
  if (auto callback = callbacks_.extract(job.index_))
    calls_.push_back(
        [tell = std::move(callback.mapped()), last = progress_of(job.outcome())] { tell(last); });
}

std::optional<std::uint64_t> SingleGroup::on_results(wire::Results results) {
  Lock lock(mutex_);
  std::uint64_t routed = 0;
  const auto breathe = [&] {
    if (++routed % kRoutedAtOnce != 0) return;
    lock.unlock();
    lock.lock();
  };
  std::uint64_t position = 0;
  const char* at = results.batch.bytes.data();
  for (const auto& tasks : results.tasks) {
    for (std::uint64_t index = tasks.begin; index < tasks.end; ++index, ++position) {
      const std::size_t size = results.batch.sizes.at(position);
      if (SingleJob* job = task(index)) {
        job->bytes_.assign(at, size);
        job->encoding_ = results.encoding;
        finish(*job, SingleJob::State::done);
      }
      at += size;
      breathe();
    }
  }
  const auto outputs = outputs_of(results);
  for (const auto& error : results.errors) {
    // Only tasks that exist: the length of a run of errors comes from the peer.
    const std::uint64_t end = std::min(error.first + error.count, base_ + tasks_.size());
    for (std::uint64_t index = std::max(error.first, base_); index < end; ++index) {
      if (SingleJob* job = task(index)) {
        job->bytes_ = error.text;
        job->code_ = error.code;
        job->encoding_ = results.encoding;
        if (const auto output = outputs.find(index); output != outputs.end())
          job->extras().output.emplace(output->second);
        finish(*job, SingleJob::State::failed);
      }
      breathe();
    }
  }
  forget_finished();
  ++received_;
  unacknowledged_ += results.batch.weight();
  const bool due = unacknowledged_ >= kAckFrom || unfinished_ == 0;
  if (due) unacknowledged_ = 0;
  wake();
  lock.unlock();
  show_progress();
  return due ? std::optional(received_) : std::nullopt;
}

void SingleGroup::show_progress() {
  Lock lock(mutex_);
  tell_intake();
  const auto calls = std::exchange(calls_, {});
  auto continuations = std::exchange(continuations_, {});
  lock.unlock();
  for (auto& call : continuations) outbox_->callbacks()->post(std::move(call));
  for (const auto& call : calls) {
    try {
      call();
    } catch (...) {
      // An exception of the user's callback cannot be reported on this thread.
    }
  }
}

void SingleGroup::forget_finished() {
  while (!tasks_.empty() &&
         tasks_.front()->state_.load(std::memory_order_relaxed) != SingleJob::State::waiting) {
    tasks_.pop_front();
    ++base_;
  }
}

void SingleGroup::on_status(wire::JobUpdate update) {
  const JobState state = update.status.state;
  if (!is_final(state)) {
    Lock lock(mutex_);
    state_ = state;
    reason_ = std::move(update.status.reason);
    return;
  }
  if (state == JobState::done || state == JobState::failed)
    return;  // tasks end when their results arrive
  const ErrorCode code = state == JobState::lost ? ErrorCode::lost : ErrorCode::cancelled;
  end_all({key_, Ended::Stage::accepted, {code, update.status.reason}});
}

void SingleGroup::on_ended(Ended ended) { end_all(std::move(ended)); }

void SingleGroup::end_all(Ended ended) {
  Lock lock(mutex_);
  if (ended_) return;
  ended_ = std::move(ended);
  for (auto& job : tasks_) {
    if (job->state_.load(std::memory_order_relaxed) != SingleJob::State::waiting) continue;
    job->code_ = ended_->failure.code;
    job->bytes_ = ended_->failure.text;
    finish(*job, SingleJob::State::ended);
  }
  base_ += tasks_.size();
  tasks_.clear();
  wake();
  lock.unlock();
  show_progress();
}

void SingleGroup::wake() {
  if (waiting_ > 0) changed_.notify_all();
}

void SingleGroup::pause(Lock& lock) {
  ++waiting_;
  changed_.wait(lock);
  --waiting_;
}

// ---- one task

Uuid SingleJob::uuid() {
  SingleGroup::Lock lock(group_->mutex_);
  return group_->uuid_;
}

JobNumber SingleJob::number() {
  SingleGroup::Lock lock(group_->mutex_);
  while (value(group_->number_) == 0 && !group_->ended_) group_->pause(lock);
  if (value(group_->number_) == 0) throw_failure(group_->ended_->stage, group_->ended_->failure);
  return group_->number_;
}

std::string SingleJob::id() {
  return std::to_string(value(number())) + '.' + std::to_string(index_);
}

void SingleJob::wait_for_intake() { number(); }

void SingleJob::on_intake(IntakeCallback callback) {
  SingleGroup::Lock lock(group_->mutex_);
  group_->intake_callbacks_.push_back(group_->outbox_->bound(std::move(callback)));
  if (value(group_->number_) != 0 || group_->ended_)
    group_->outbox_->post(ShowProgressCommand{group_});
}

void SingleJob::await_result() {
  if (state() == State::waiting) {
    SingleGroup::Lock lock(group_->mutex_);
    while (state() == State::waiting) group_->pause(lock);
  }
  if (state() == State::done) return;
  if (state() == State::failed) throw JobError(code_, bytes_, errors());
  SingleGroup::Lock lock(group_->mutex_);
  throw_failure(group_->ended_->stage, group_->ended_->failure);
}

Outcome SingleJob::wait(std::optional<std::chrono::milliseconds> timeout) {
  if (state() == State::waiting) {
    SingleGroup::Lock lock(group_->mutex_);
    const auto until =
        std::chrono::steady_clock::now() + timeout.value_or(std::chrono::milliseconds(0));
    while (state() == State::waiting) {
      if (!timeout) {
        group_->pause(lock);
        continue;
      }
      ++group_->waiting_;
      const auto status = group_->changed_.wait_until(lock, until);
      --group_->waiting_;
      if (status == std::cv_status::timeout) break;
    }
  }
  return outcome();
}

// Callers see a job of one task, whose index is 0, as in next(); the index in the group is
// internal.
std::vector<TaskError> SingleJob::errors() const { return {{0, 1, code_, bytes_}}; }

Outcome SingleJob::outcome() const {
  Outcome outcome;
  switch (state()) {
    case State::waiting:
      break;
    case State::done:
      outcome.state = JobState::done;
      outcome.done = 1;
      break;
    case State::failed:
      outcome.state = code_ == ErrorCode::cancelled ? JobState::cancelled : JobState::failed;
      outcome.code = code_;
      outcome.text = bytes_;
      outcome.failed = 1;
      outcome.errors = errors();
      break;
    case State::ended:
      outcome = outcome_of({code_, bytes_});
      break;
  }
  return outcome;
}

std::optional<Bytes> SingleJob::get_optional() {
  await_result();
  return bytes_;
}

std::vector<Bytes> SingleJob::get_all() { return {*get_optional()}; }

void SingleJob::each(const std::function<void(std::uint64_t, BytesView)>& visit) {
  await_result();
  visit(0, bytes_);
}

std::optional<TaskResult> SingleJob::next() {
  const Outcome outcome = wait(std::nullopt);
  if (taken_.exchange(true)) return std::nullopt;
  if (state() == State::ended) await_result();  // throws
  TaskResult result;
  result.ok = outcome.ok();
  result.code = code_;
  (result.ok ? result.bytes : result.text) = bytes_;
  if (extras_ && extras_->output) result.bytes = *extras_->output;
  result.encoding = encoding_;
  return result;
}

std::optional<TaskResult> SingleJob::next_completed() { return next(); }

Polled SingleJob::poll(std::chrono::milliseconds timeout, Order) {
  constexpr std::chrono::hours kLongest{24 * 366};  // so that the sum with the time is a time
  if (!wait(std::min<std::chrono::milliseconds>(timeout, kLongest)).finished()) return {};
  auto result = next();
  const bool end = !result;
  return {std::move(result), end};
}

void SingleJob::on_end(EndCallback callback, bool) {
  SingleGroup::Lock lock(group_->mutex_);
  if (state() == State::waiting) {
    extras().at_end.push_back(std::move(callback));
    return;
  }
  lock.unlock();
  callbacks()->post([tell = std::move(callback), how = outcome()] { tell(how); });
}

const std::shared_ptr<CallbackQueue>& SingleJob::callbacks() {
  return group_->outbox_->callbacks();
}

void SingleJob::stop_with(const std::stop_token& token) {
  if (!token.stop_possible()) return;
  SingleGroup::Lock lock(group_->mutex_);
  if (state() != State::waiting) return;
  std::optional<Stopping>& stopping = extras().stopping;
  lock.unlock();
  stopping.emplace(token,
                   Cancelling{group_->outbox_, CancelCommand{group_->key_, {index_, index_ + 1}}});
}

Progress SingleJob::progress() {
  const Outcome now = outcome();
  Progress progress = progress_of(now);
  if (!now.finished()) {
    SingleGroup::Lock lock(group_->mutex_);
    progress.state = group_->state_;
    progress.reason = group_->reason_;
  }
  return progress;
}

Encoding SingleJob::encoding() { return state() == State::waiting ? Encoding::raw : encoding_; }

void SingleJob::cancel() {
  group_->outbox_->post(CancelCommand{group_->key_, {index_, index_ + 1}});
}

void SingleJob::on_progress(std::function<void(const Progress&)> callback,
                            std::chrono::milliseconds) {
  SingleGroup::Lock lock(group_->mutex_);
  if (state() == State::waiting) {
    auto& callbacks = group_->callbacks_[index_];
    callbacks = both(std::move(callbacks), group_->outbox_->bound(std::move(callback)));
    return;
  }
  group_->calls_.push_back([tell = group_->outbox_->bound(std::move(callback)),
                            last = progress_of(outcome())] { tell(last); });
  group_->outbox_->post(ShowProgressCommand{group_});
}

}  // namespace quern::client
