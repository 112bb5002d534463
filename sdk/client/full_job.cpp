#include "client/full_job.hpp"

#include <algorithm>

#include "client/callbacks.hpp"
#include "client/failure.hpp"

namespace quern::client {
namespace {

ErrorCode code_of(const JobStatus& status) {
  if (status.failure == ErrorCode::deadline) return status.failure;
  switch (status.state) {
    case JobState::done:
      return ErrorCode::none;
    case JobState::cancelled:
      return ErrorCode::cancelled;
    case JobState::lost:
      return ErrorCode::lost;
    default:
      return ErrorCode::failed;
  }
}

}  // namespace

FullJob::FullJob(JobKey key, Uuid uuid, Kind kind, std::shared_ptr<Outbox> outbox)
    : key_(key),
      outbox_(std::move(outbox)),
      kind_(kind),
      uuid_(uuid),
      reading_(kind == Kind::guest || kind == Kind::unfollowed ? Reading::no : Reading::yes) {}

FullJob::~FullJob() { outbox_->add_unread(-shelf_.unread()); }

// ---- from the actor

std::optional<std::uint64_t> FullJob::on_results(wire::Results results) {
  Lock lock(mutex_);
  encoding_ = results.encoding;
  keep_errors(errors_, results.errors);
  const std::int64_t before = shelf_.unread();
  shelf_.add(std::move(results));
  outbox_->add_unread(shelf_.unread() - before);
  if (has_everything()) shelf_.complete();
  wake();
  // Readers decide when to acknowledge. If nobody reads but somebody waits for the end, everything
  // is taken, as in wait().
  if (!end_callbacks_.empty()) acknowledge(ResultShelf::Reader::waits);
  tell_end(lock);
  return std::nullopt;
}

void FullJob::on_status(wire::JobUpdate update) {
  Lock lock(mutex_);
  update_ = std::move(update);
  if (is_final()) {
    encoding_ = update_.status.encoding;
    taken_ = Taken::complete;
    // While nobody reads, nothing has been asked for: results that are read later come in any
    // order, and the shelf must then wait for the gaps.
    if (reading_ == Reading::yes && over()) shelf_.complete();
    wake();
    tell_intake(lock);
    tell_end(lock);
    lock.lock();
  }
  if (!callback_) return;
  const auto now = std::chrono::steady_clock::now();
  if (!is_final() && now < last_shown_ + interval_) return;
  last_shown_ = now;
  lock.unlock();
  show_progress();
}

void FullJob::on_ended(Ended ended) {
  Lock lock(mutex_);
  if (over()) return;  // everything has been received, so the session no longer matters
  ended_ = std::move(ended);
  shelf_.complete();
  wake();
  tell_end(lock);
  show_progress();
}

void FullJob::tell_end(Lock& lock) {
  if (end_callbacks_.empty() || !over()) return lock.unlock();
  const Outcome outcome = outcome_locked();
  auto callbacks = std::exchange(end_callbacks_, {});
  lock.unlock();
  for (EndCallback& callback : callbacks)
    outbox_->callbacks()->post([tell = std::move(callback), outcome] { tell(outcome); });
}

void FullJob::on_end(EndCallback callback, bool results) {
  Lock lock(mutex_);
  if ((results && !has_everything()) || (kind_ == Kind::unfollowed && !over())) start_reading();
  end_callbacks_.push_back(std::move(callback));
  if (!over() && reading_ == Reading::yes) acknowledge(ResultShelf::Reader::waits);
  tell_end(lock);
}

void FullJob::stop_with(const std::stop_token& token) {
  if (token.stop_possible()) stopping_.emplace(token, Cancelling{outbox_, CancelCommand{key_, {}}});
}

void FullJob::show_progress() {
  Lock lock(mutex_);
  tell_intake(lock);
  const Progress progress = progress_locked();
  // Releases the callback at the end: it may own the object that owns this one.
  const bool last = ended_ || is_final();
  auto callback = last ? std::move(callback_) : callback_;
  if (last) callback_ = nullptr;
  lock.unlock();
  if (!callback) return;
  try {
    callback(progress);
  } catch (...) {
    // An exception of the user's callback cannot be reported on this thread; the job continues.
  }
}

// ---- waiting

void FullJob::wake() {
  if (waiting_ > 0) changed_.notify_all();
}

void FullJob::pause_until(Lock& lock, std::chrono::steady_clock::time_point until) {
  // The broker stops sending to a session that has too many unread bytes, of any jobs. A reader of
  // one job must not depend on the readers of others, so the client repeatedly tells the broker
  // which job is being read.
  constexpr std::chrono::milliseconds kLook{200};
  constexpr std::int64_t kMany = wire::kSessionResults / 2;
  ++waiting_;
  const auto look = std::min(until, std::chrono::steady_clock::now() + kLook);
  const bool nothing = changed_.wait_until(lock, look) == std::cv_status::timeout;
  --waiting_;
  if (nothing && reading_ == Reading::yes && shelf_.unread() == 0 && outbox_->unread() >= kMany)
    outbox_->post(WantCommand{key_});
}

bool FullJob::over() const {
  if (ended_) return true;
  if (!is_final()) return false;
  return reading_ == Reading::no || shelf_.received() >= update_.entries;
}

// While nobody reads, nothing has been asked for: what is read later comes in any order, and the
// shelf must then wait for the gaps.
bool FullJob::has_everything() const { return reading_ == Reading::yes && over(); }

void FullJob::start_reading() {
  if (reading_ == Reading::yes) return;
  reading_ = Reading::yes;
  if (over())
    shelf_.complete();
  else
    outbox_->post(WatchCommand{key_, wire::kResultWindow, pace_ms_});
}

void FullJob::acknowledge(ResultShelf::Reader reader) {
  const std::int64_t before = shelf_.unread();
  if (const auto to = shelf_.ack_due(reader)) outbox_->post(ConsumedCommand{key_, *to});
  outbox_->add_unread(shelf_.unread() - before);
}

void FullJob::throw_end() {
  if (source_error_) std::rethrow_exception(source_error_);
  throw_failure(ended_->stage, ended_->failure);
}

Outcome FullJob::wait(std::optional<std::chrono::milliseconds> timeout) {
  Lock lock(mutex_);
  const auto until =
      std::chrono::steady_clock::now() + timeout.value_or(std::chrono::milliseconds(0));
  if (kind_ == Kind::unfollowed && !over()) start_reading();
  while (!over()) {
    // The end of a job follows its results, so the results are received while waiting for it.
    if (reading_ == Reading::yes) acknowledge(ResultShelf::Reader::waits);
    if (!timeout) {
      pause(lock);
    } else {
      ++waiting_;
      const auto status = changed_.wait_until(lock, until);
      --waiting_;
      if (status == std::cv_status::timeout) break;
    }
  }
  return outcome_locked();
}

Outcome FullJob::outcome_locked() const {
  Outcome outcome;
  if (ended_) {
    outcome = outcome_of(ended_->failure);
  } else {
    outcome.state = update_.status.state;
    if (over()) {
      outcome.code = code_of(update_.status);
      outcome.text = update_.status.reason;
    } else if (quern::is_final(outcome.state)) {
      outcome.state = JobState::running;  // its last results have not arrived yet
    }
  }
  if (source_error_ && over()) {
    const Failure failure = failure_of(source_error_);
    outcome.state = JobState::failed;
    outcome.code = failure.code;
    outcome.text = failure.text;
  }
  outcome.done = update_.status.done;
  outcome.failed = update_.status.failed;
  outcome.errors = errors_;
  return outcome;
}

// ---- results

std::optional<TaskResult> FullJob::take_next(Order order) {
  return order == Order::input ? shelf_.next_in_order() : shelf_.next_completed();
}

Polled FullJob::poll(std::chrono::milliseconds timeout, Order order) {
  constexpr std::chrono::hours kLongest{24 * 366};  // so that the sum is a time
  const auto until =
      std::chrono::steady_clock::now() + std::min<std::chrono::milliseconds>(timeout, kLongest);
  Lock lock(mutex_);
  start_reading();
  for (;;) {
    if (auto result = take_next(order)) {
      acknowledge(ResultShelf::Reader::reads);
      return {std::move(result), false};
    }
    if (over()) break;
    acknowledge(order == Order::input ? ResultShelf::Reader::waits
                                      : ResultShelf::Reader::waits_for_any);
    if (std::chrono::steady_clock::now() >= until) return {};
    pause_until(lock, until);
  }
  if (ended_ || source_error_) throw_end();
  return {std::nullopt, true};
}

std::optional<TaskResult> FullJob::next() {
  Lock lock(mutex_);
  start_reading();
  for (;;) {
    if (auto result = shelf_.next_in_order()) {
      acknowledge(ResultShelf::Reader::reads);
      return result;
    }
    if (over()) break;
    acknowledge(ResultShelf::Reader::waits);
    pause(lock);
  }
  if (ended_ || source_error_) throw_end();
  return std::nullopt;
}

std::optional<TaskResult> FullJob::next_completed() {
  Lock lock(mutex_);
  start_reading();
  for (;;) {
    if (auto result = shelf_.next_completed()) {
      acknowledge(ResultShelf::Reader::reads);
      return result;
    }
    if (over()) break;
    acknowledge(ResultShelf::Reader::waits_for_any);
    pause(lock);
  }
  if (ended_ || source_error_) throw_end();
  return std::nullopt;
}

template <typename Visit>
void FullJob::drain(Visit visit) {
  Lock lock(mutex_);
  start_reading();
  for (;;) {
    if (auto portion = shelf_.next_portion()) {
      acknowledge(ResultShelf::Reader::reads);
      lock.unlock();
      visit(*portion);
      portion.reset();
      lock.lock();
    } else if (over()) {
      break;
    } else {
      acknowledge(ResultShelf::Reader::waits_for_any);
      pause(lock);
    }
  }
  if (ended_ || source_error_) throw_end();
}

void FullJob::throw_failed_tasks() {
  Lock lock(mutex_);
  const auto& status = update_.status;
  std::string text = status.reason;
  if (text.empty() && !errors_.empty()) {
    text = "task " + std::to_string(errors_.front().first) + ": " + errors_.front().text;
    if (status.failed > 1) text = std::to_string(status.failed) + " tasks failed; " + text;
  }
  if (text.empty()) text = "the job is " + std::string(to_string(status.state));
  const bool whole = errors_.empty() || status.failure == ErrorCode::deadline;
  const ErrorCode code = whole ? code_of(status) : errors_.front().code;
  throw JobError(code == ErrorCode::none ? ErrorCode::failed : code, text, errors_);
}

std::optional<Bytes> FullJob::get_optional() {
  if (kind_ == Kind::single) {
    {
      Lock lock(mutex_);
      if (single_ && single_->ok) return single_->bytes;
    }
    auto result = next_completed();
    Lock lock(mutex_);
    if (result) single_ = std::move(result);
    if (single_ && single_->ok) return single_->bytes;
    lock.unlock();
    throw_failed_tasks();
  }
  const Outcome outcome = wait(std::nullopt);
  Lock lock(mutex_);
  if (ended_ || source_error_) throw_end();
  const auto& status = update_.status;
  const bool reduced = update_.reduced;
  if (!outcome.ok()) {
    lock.unlock();
    throw_failed_tasks();
  }
  if (reduced) {
    if (!update_.has_value) return std::nullopt;
    return Bytes(update_.value.view());
  }
  if (status.total != 1) {
    throw JobError(ErrorCode::bad_input, "the job has " + std::to_string(status.total) +
                                             " results; read them with get_all() or next()");
  }
  lock.unlock();
  auto result = single_ ? std::nullopt : next_completed();
  lock.lock();
  if (result) single_ = std::move(result);
  if (!single_)
    throw JobError(ErrorCode::bad_input, "the only result of the job has been read already");
  return single_->bytes;
}

std::vector<Bytes> FullJob::get_all() {
  std::vector<Bytes> out;
  bool untouched;
  {
    Lock lock(mutex_);
    untouched = shelf_.untouched();
  }
  if (!untouched) {  // delivers the rest one by one
    bool failed = false;
    while (auto result = next()) {
      failed |= !result->ok;
      out.push_back(std::move(result->bytes));
    }
    if (failed) throw_failed_tasks();
    return out;
  }
  std::uint64_t placed = 0;
  drain([&](const Portion& portion) {
    const auto& batch = portion.results->batch;
    for (const Fragment& fragment : portion.fragments) {
      if (fragment.error) continue;
      const std::uint64_t end = fragment.begin + fragment.count;
      if (end > out.size()) {
        if (end > out.capacity()) out.reserve(std::max<std::size_t>(end, 2 * out.capacity()));
        out.resize(end);
      }
      const char* at = batch.bytes.data() + fragment.offset;
      for (std::uint64_t i = 0; i < fragment.count; ++i) {
        const std::size_t size = batch.sizes.at(fragment.position + i);
        out[fragment.begin + i].assign(at, size);
        at += size;
      }
      placed += fragment.count;
    }
  });
  Lock lock(mutex_);
  if (update_.reduced && update_.status.state == JobState::done) {
    if (update_.has_value) out = {Bytes(update_.value.view())};
    return out;
  }
  const bool failed =
      update_.status.state != JobState::done || placed != update_.status.total || !errors_.empty();
  lock.unlock();
  if (failed) throw_failed_tasks();
  return out;
}

void FullJob::each(const std::function<void(std::uint64_t, BytesView)>& visit) {
  drain([&](const Portion& portion) {
    const auto& batch = portion.results->batch;
    for (const Fragment& fragment : portion.fragments) {
      if (fragment.error) continue;
      std::size_t offset = fragment.offset;
      for (std::uint64_t i = 0; i < fragment.count; ++i) {
        const std::size_t size = batch.sizes.at(fragment.position + i);
        visit(fragment.begin + i, batch.bytes.view().substr(offset, size));
        offset += size;
      }
    }
  });
  Lock lock(mutex_);
  const bool failed = update_.status.state != JobState::done || !errors_.empty();
  lock.unlock();
  if (failed) throw_failed_tasks();
}

// ---- looking

Progress FullJob::progress_locked() const {
  const auto& status = update_.status;
  Progress progress;
  progress.total = status.total;
  progress.done = status.done;
  progress.failed = status.failed;
  progress.cancelled = status.cancelled;
  progress.open = kind_ == Kind::guest ? status.open : taken_ != Taken::complete && !ended_;
  progress.rate = status.rate;
  progress.eta_s = status.eta_s;
  progress.workers = static_cast<std::uint32_t>(status.workers);
  progress.state = ended_ ? outcome_of(ended_->failure).state : status.state;
  progress.reason = ended_ ? ended_->failure.text : status.reason;
  progress.retried = status.retried;
  return progress;
}

Progress FullJob::progress() {
  Lock lock(mutex_);
  return progress_locked();
}

Encoding FullJob::encoding() {
  Lock lock(mutex_);
  return encoding_;
}

bool FullJob::reduced() {
  Lock lock(mutex_);
  return update_.reduced;
}

void FullJob::cancel() { outbox_->post(CancelCommand{key_, {}}); }

void FullJob::leave() {
  on_ended({key_, Ended::Stage::accepted, {ErrorCode::shutdown, "the handle was left"}});
}

void FullJob::on_progress(std::function<void(const Progress&)> callback,
                          std::chrono::milliseconds interval) {
  Lock lock(mutex_);
  interval_ = callback_ ? std::min(interval_, interval) : interval;
  interval = interval_;
  callback_ = both(std::move(callback_), outbox_->bound(std::move(callback)));
  last_shown_ = {};
  if (ended_ || is_final()) {
    outbox_->post(ShowProgressCommand{weak_from_this()});
    return;
  }
  pace_ms_ = static_cast<std::uint32_t>(std::clamp<std::int64_t>(interval.count(), 1, 3'600'000));
  const std::uint64_t window = reading_ == Reading::yes ? wire::kResultWindow : 0;
  outbox_->post(WatchCommand{key_, window, pace_ms_});
}

}  // namespace quern::client
